"""The units say what they must, in words that systemd reads back exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ccmux.core.errors import UnitUnfit
from ccmux.core.settings import AdapterSettings, RelaySettings, Settings, TimerSettings
from ccmux.core.units import Deployment, calendars, owner_of, render
from tests.systemd.rendered import FOLDER, SETTINGS, YOU, deployment, units

WHERE = deployment(YOU)
OWN = {"ccmux.target", "ccmux.service", "ccmux-reconcile.service"}


def sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in text.split("\n[")[1:]:
        name, _, lines = part.partition("]\n")
        found[name] = [line for line in lines.split("\n") if line]
    return found


def timer(where: Deployment = WHERE, **keys: object) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return a timer's two units, its service first."""
    settings = Settings(timers={"x": TimerSettings(**keys)})  # type: ignore[arg-type]
    rendered = render(settings, where)
    assert set(rendered) == OWN | {"ccmux-x.timer", "ccmux-x.service"}
    return sections(rendered["ccmux-x.service"]), sections(rendered["ccmux-x.timer"])


def exec_start(*argv: str) -> str:
    """Return how a command is written."""
    where = replace(WHERE, execs={"ccmux-x": argv})
    service, _ = timer(where, exec=argv, startup_delay="1s")
    (line,) = (line for line in service["Service"] if line.startswith("ExecStart="))
    return line.removeprefix("ExecStart=")


def test_the_folder_in_the_repository_is_what_is_rendered_from_the_example() -> None:
    found = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert found == units(), "python -m tests.systemd.rendered writes them anew"


def test_every_unit_begins_with_its_owner_and_all_but_the_target_are_parts_of_it() -> None:
    for name, text in units().items():
        assert owner_of(text) == "/home/you/app/ccmux.toml"
        assert ("PartOf=ccmux.target" in sections(text)["Unit"]) == (name != "ccmux.target")


def test_every_service_has_the_environment_and_speaks_to_the_journal_by_its_name() -> None:
    where = replace(WHERE, environment={"CCMUX_DATA_DIR": "/data"})
    for name, text in render(SETTINGS, where).items():
        if name.endswith(".service"):
            lines = sections(text)["Service"]
            assert "Environment=HOME=/home/you" in lines
            assert f"Environment=PATH={WHERE.path}" in lines
            assert "Environment=TERM=xterm-256color" in lines
            assert "Environment=CCMUX_DATA_DIR=/data" in lines
            assert "StandardOutput=journal" in lines
            assert [line for line in lines if line.startswith("SyslogIdentifier=")] != []


def test_start_limits_stand_where_systemd_looks_for_them() -> None:
    limits = {
        (name, section): line
        for name, text in units().items()
        for section, lines in sections(text).items()
        for line in lines
        if line.startswith("StartLimit")
    }
    assert {section for _, section in limits} == {"Unit"}
    assert limits["ccmux.service", "Unit"] == "StartLimitIntervalSec=0"


@pytest.mark.parametrize(
    ("restart_delay", "interval_s"), [(0, 300), (10, 300), (10.01, 301), (60, 800), (86_400, 864_200)]
)
def test_ten_short_lives_of_an_adapter_are_too_many_however_long_its_delay(
    restart_delay: float, interval_s: int
) -> None:
    settings = Settings(adapters={"door": AdapterSettings(restart_delay=restart_delay)})
    where = replace(WHERE, execs={"ccmux-door": ("/bin/ccmux-door",)})
    text = sections(render(settings, where)["ccmux-door.service"])
    assert {f"StartLimitIntervalSec={interval_s}", "StartLimitBurst=10"} <= set(text["Unit"])


def test_what_starts_at_boot_is_the_target_and_what_brings_it_up_to_date() -> None:
    wanted = {name: sections(text).get("Install") for name, text in units().items()}
    at_boot = [name for name, lines in wanted.items() if lines == ["WantedBy=default.target"]]
    assert at_boot == ["ccmux.target", "ccmux-reconcile.service"]
    assert "After=ccmux.target" in sections(units()["ccmux-reconcile.service"])["Unit"]
    # A timer starts its service; nothing else does.
    parts = [name for name, lines in wanted.items() if lines == ["WantedBy=ccmux.target"]]
    assert {name for name in wanted if name not in at_boot and name not in parts} == {
        "ccmux-selfcheck.service",
        "ccmux-backup.service",
        "ccmux-morning.service",
    }


def test_the_daemon_keeps_its_descriptors_over_a_stop_where_systemd_can() -> None:
    for version, preserves in ((None, False), (252, False), (253, False), (254, True), (257, True)):
        lines = sections(render(Settings(), replace(WHERE, systemd=version))["ccmux.service"])["Service"]
        assert ("FileDescriptorStorePreserve=yes" in lines) == preserves
        assert {"FileDescriptorStoreMax=64", "Environment=FDSTORE=64"} <= set(lines)


def test_the_daemon_is_tried_less_and_less_often_where_systemd_can() -> None:
    for version, grows in ((None, False), (252, False), (253, False), (254, True), (257, True)):
        lines = sections(render(Settings(), replace(WHERE, systemd=version))["ccmux.service"])["Service"]
        assert "RestartSec=5" in lines
        assert ({"RestartSteps=5", "RestartMaxDelaySec=60"} <= set(lines)) == grows
        assert any(line.startswith("RestartSteps") for line in lines) == grows


def test_an_adapter_is_started_anew_however_it_ended_and_the_daemon_where_it_failed() -> None:
    rendered = render(SETTINGS, WHERE)
    assert "Restart=always" in sections(rendered["ccmux-door.service"])["Service"]
    assert "Restart=on-failure" in sections(rendered["ccmux.service"])["Service"]


def test_an_adapter_neither_ends_with_the_daemon_nor_brings_back_one_that_was_stopped() -> None:
    text = sections(render(SETTINGS, WHERE)["ccmux-door.service"])
    assert "After=ccmux.service" in text["Unit"]
    assert not any(line.startswith(("Requires", "BindsTo", "Wants")) for line in text["Unit"])


def test_an_adapter_is_told_by_its_name_where_nothing_else_is_set() -> None:
    settings = Settings(adapters={"door": AdapterSettings(restart_delay=0.25)})
    where = replace(WHERE, execs={"ccmux-door": ("/bin/ccmux-door",)})
    text = sections(render(settings, where)["ccmux-door.service"])
    assert text["Unit"][0] == "Description=ccmux: adapter door"
    assert {"ExecStart=:/bin/ccmux-door", "RestartSec=250ms", "SyslogIdentifier=ccmux-door"} <= set(
        text["Service"]
    )


def test_a_calendar_makes_up_for_what_was_missed_and_a_delay_has_nothing_to_miss() -> None:
    where = replace(WHERE, execs={"ccmux-x": ("/bin/true",)})
    _, on_calendar = timer(where, exec=("true",), schedule=("daily", "Mon 07:00"))
    assert on_calendar["Timer"] == [
        "OnCalendar=daily",
        "OnCalendar=Mon 07:00",
        "Persistent=true",
        "AccuracySec=1s",
    ]
    _, delayed = timer(where, exec=("true",), startup_delay="1h 5min")
    assert delayed["Timer"] == ["OnActiveSec=1h 5min", "AccuracySec=1s"]


def test_a_timers_own_variables_win_and_nothing_expands_in_them() -> None:
    where = replace(WHERE, execs={"ccmux-x": ("/bin/true",)})
    service, _ = timer(where, exec=("true",), startup_delay="1s", env={"HOME": "/h", "A": '$HOME %h "\\'})
    lines = [line for line in service["Service"] if line.startswith("Environment=")]
    assert "Environment=HOME=/h" in lines
    assert r'Environment="A=$HOME %%h \"\\"' in lines
    assert "Environment=HOME=/home/you" not in lines


def test_a_message_is_sent_on_its_channel_unless_the_one_before_it_waits() -> None:
    service, _ = timer(message="-c is 100% $HOME", schedule=("daily",))
    ccmux = "/home/you/ccmux/.venv/bin/ccmux -C /home/you/app"
    begin = f"ExecStart=:{ccmux} send --unless-waiting x"
    assert f"{begin} -c timer -" in service["Service"]
    service, _ = timer(message="hello", channel="clock", schedule=("daily",))
    assert f"{begin} -c clock -" in service["Service"]


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("-c is 100% $HOME", "-c is 100%% $HOME"),
        ('it\'s "so" # ;', 'it\'s "so" # ;'),
        ("\\n \\", r"\\n \\"),
        ("  a  b  ", r"\x20 a  b \x20"),
        ("日本", "日本"),
    ],
)
def test_a_message_is_read_from_the_unit_and_stands_in_no_command(message: str, written: str) -> None:
    service, _ = timer(message=message, schedule=("daily",))
    assert f"StandardInputText={written}" in service["Service"]
    assert "StandardInput=data" in service["Service"]
    assert [line for line in service["Service"] if message in line and line.startswith("Exec")] == []


def test_a_program_of_a_timer_is_given_nothing_to_read() -> None:
    service, _ = timer(replace(WHERE, execs={"ccmux-x": ("/bin/true",)}), exec=("true",), startup_delay="1s")
    assert not any(line.startswith("StandardInput") for line in service["Service"])


def test_settings_that_stand_elsewhere_are_named() -> None:
    where = replace(WHERE, config=Path("/etc/other.toml"))
    rendered = render(Settings(), where)
    assert "/ccmux -C /home/you/app --config /etc/other.toml\n" in rendered["ccmux.service"]
    assert "/ccmux-deploy -C /home/you/app --config /etc/other.toml\n" in rendered["ccmux-reconcile.service"]
    assert owner_of(rendered["ccmux.target"]) == "/etc/other.toml"


def test_what_a_program_calls_itself_finds_settings_that_stand_elsewhere() -> None:
    for config in (WHERE.config, Path("/etc/other.toml"), WHERE.project_dir / "other.toml"):
        elsewhere = config != WHERE.config
        for name, text in render(SETTINGS, replace(WHERE, config=config)).items():
            lines = text.splitlines()
            assert (f"Environment=CCMUX_CONFIG={config}" in lines) == (
                elsewhere and name.endswith(".service")
            ), name


def test_the_daemons_unit_names_the_project() -> None:
    assert "Claude Code of app in" in render(Settings(), WHERE)["ccmux.service"]
    where = replace(WHERE, project_dir=Path("/srv/my app"))
    assert "Claude Code of my-app in" in render(Settings(), where)["ccmux.service"]


WRITTEN = {
    "plain": (("/bin/a", "--b=c,d", "e@f:g+h"), "/bin/a --b=c,d e@f:g+h"),
    "white space": (("/my bin/a", "b c", " "), '"/my bin/a" "b c" " "'),
    "nothing": (("/bin/a", ""), '/bin/a ""'),
    "a specifier": (("/bin/%h", "100%"), '"/bin/%%h" "100%%"'),
    "a variable": (("/bin/$a", "${HOME}", "$$"), '"/bin/$a" "${HOME}" "$$"'),
    "quotes": (("/bin/a", "it's", 'so "so"'), '/bin/a "it\'s" "so \\"so\\""'),
    "a backslash": (("/bin/a", "\\x41", "b\\"), '/bin/a "\\\\x41" "b\\\\"'),
    "two commands": (("/bin/a", ";", "b"), '/bin/a ";" b'),
    "another tongue": (("/bin/ü", "日本"), '"/bin/ü" "日本"'),
    "a program in quotes": (("/it's/a", "b"), '/bin/sh -c "exec \\"$@\\"" sh "/it\'s/a" b'),
    "a program with a backslash": (("/a\\b",), '/bin/sh -c "exec \\"$@\\"" sh "/a\\\\b"'),
}


@pytest.mark.parametrize(("argv", "written"), WRITTEN.values(), ids=WRITTEN)
def test_commands_are_written_so_that_systemd_changes_nothing(argv: tuple[str, ...], written: str) -> None:
    assert exec_start(*argv) == ":" + written


FOLDERS = {
    "/my app": "/my app",
    "/100%": "/100%%",
    '/it\'s "so"': '/it\'s "so"',
    "/a\\b": "/a\\b",
    "/ends with ": "/ends with /",
    "/ends\\": "/ends\\/",
}


@pytest.mark.parametrize(("folder", "written"), FOLDERS.items())
def test_folders_are_written_as_they_are(folder: str, written: str) -> None:
    where = replace(WHERE, project_dir=Path(folder), execs={"ccmux-x": ("/bin/true",)})
    service, _ = timer(where, exec=("true",), startup_delay="1s", description="100%")
    assert f"WorkingDirectory={written}" in service["Service"]
    assert service["Unit"][0] == "Description=100%%"


@pytest.mark.parametrize("part", ["\n", "\0", "\t", "\x7f", "\udcff", "\ufdd0", "\uffff", "\U0010fffe"])
def test_what_no_unit_file_can_hold_is_refused_with_the_way_out(part: str) -> None:
    folder = Path(f"/a{part}b")
    for where in (
        replace(WHERE, config=folder),
        replace(WHERE, project_dir=folder),
        replace(WHERE, path=str(folder)),
    ):
        with pytest.raises(UnitUnfit, match="plainer name"):
            render(SETTINGS, where)


@pytest.mark.parametrize(
    "config",
    ["/a/ccmux.toml", "/my app/ccmux.toml", "/a; edits are lost, change that file instead", "/ends\\"],
)
def test_a_units_owner_is_read_back(config: str) -> None:
    assert owner_of(render(Settings(), replace(WHERE, config=Path(config)))["ccmux.target"]) == config


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[Unit]\n",
        "\n# Made by ccmux-deploy from /a; edits are lost, change that file instead\n",
        "# Made by ccmux-deploy from /a\n",
        "# Made by me from /a; edits are lost, change that file instead\n",
        "# Auto-generated by ccmux reconcile - do not edit manually\n",
    ],
)
def test_what_others_made_has_no_owner(text: str) -> None:
    assert owner_of(text) is None


def test_all_calendars_are_told_with_their_place() -> None:
    assert calendars(SETTINGS) == [
        ("[timers.backup] schedule", "Mon..Fri 07:30"),
        ("[timers.backup] schedule", "Sat,Sun 10:00"),
        ("[timers.morning] schedule", "07:00"),
    ]


def relay_start(**keys: object) -> str:
    settings = Settings(relay=RelaySettings(enabled=True, **keys))  # type: ignore[arg-type]
    lines = sections(render(settings, WHERE)["ccmux-relay.service"])["Service"]
    (line,) = (line for line in lines if line.startswith("ExecStart="))
    return line.removeprefix("ExecStart=:/home/you/ccmux/.venv/bin/ccmux-relay ")


def test_the_relay_has_a_unit_where_it_is_wanted_here() -> None:
    assert set(render(Settings(), WHERE)) == OWN
    assert set(render(Settings(relay=RelaySettings(enabled=True)), WHERE)) == OWN | {"ccmux-relay.service"}


def test_the_relay_is_started_as_the_settings_say() -> None:
    assert relay_start() == "--host 127.0.0.1 --port 8080"
    assert relay_start(host="::", port=443, certfile="~/my certs/c.pem", keyfile="/etc/k.pem") == (
        '--host :: --port 443 --certfile "/home/you/my certs/c.pem" --keyfile /etc/k.pem'
    )
    assert relay_start(origins=("https://a.example", "https://b.example"), proxies=("127.0.0.1",)) == (
        '--host 127.0.0.1 --port 8080 --origins "https://a.example https://b.example" --proxies 127.0.0.1'
    )


def test_the_relays_key_stands_in_no_unit() -> None:
    where = replace(WHERE, environment={"CCMUX_SECRETS_DIR": "/secrets"})
    text = render(Settings(relay=RelaySettings(enabled=True)), where)["ccmux-relay.service"]
    assert "Environment=CCMUX_SECRETS_DIR=/secrets" in text
    assert "CC_LIVE_API_KEY" not in text
