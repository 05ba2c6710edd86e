"""One command lets systemd run a project as its ccmux.toml says, and another one ends that."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from ccmux.core.programs import USUAL_PATH
from ccmux.core.units.syntax import unit as text_of_unit
from ccmux.trial.ports import LentPort
from tests.house.stand import LIMIT_S, until
from tests.systemd.stand import PROGRAMS, SystemdStand

OURS = "# Made by ccmux-deploy from "
SLEEPS = ["/bin/sleep", "100000"]
ENDS_WELL = "test -e ended && exec sleep 100000; touch ended"
OWN = ("ccmux.target", "ccmux.service", "ccmux-reconcile.service")
FOREIGN = {
    "ccmux-backup.timer": "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
    "ccmux-backup.service": "[Service]\nExecStart=/bin/true\n",
    "other.service": "[Service]\nExecStart=/bin/true\n",
}


def deploy(
    stand: SystemdStand, *words: str, check: bool = True, **env: str
) -> subprocess.CompletedProcess[str]:
    stand.write_settings()
    return stand.run(str(PROGRAMS / "ccmux-deploy"), *words, check=check, env=env)


def files(stand: SystemdStand) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(stand.unit_dir.glob("*.*")) if path.is_file()}


def pid(stand: SystemdStand, unit: str) -> int:
    return int(stand.property(unit, "MainPID"))


def until_another(stand: SystemdStand, unit: str, before: int) -> None:
    until(lambda: pid(stand, unit) not in {0, before}, f"{unit} runs anew")


def answer(stand: SystemdStand, text: str) -> str:
    return stand.ccmux("send", "--wait", "answered", "--timeout", "25", text).stdout


def changes(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines that tell of a change, without the sum."""
    return [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]


def test_a_fresh_project_runs_changes_and_is_gone_again(systemd: SystemdStand) -> None:
    for name, text in FOREIGN.items():
        (systemd.unit_dir / name).write_text(text)
    systemd.settings["adapters"] = {"door": {"exec": SLEEPS}, "bell": {"exec": SLEEPS}}
    systemd.settings["timers"] = {
        "wake": {"startup_delay": "1s", "message": 'good "morning" 100% $HOME', "channel": "clock"},
        "yearly": {"schedule": "*-01-01", "exec": ["/bin/true"]},
    }

    done = deploy(systemd)
    made = {name for name, text in files(systemd).items() if text.startswith(OURS)}
    assert made == {
        *OWN,
        "ccmux-door.service",
        "ccmux-bell.service",
        *(f"ccmux-{name}.{kind}" for name in ("wake", "yearly") for kind in ("timer", "service")),
    }
    assert {line for line in changes(done) if line.startswith("+")} == {f"+ created {name}" for name in made}
    for name in ("ccmux.target", "ccmux.service", "ccmux-door.service", "ccmux-yearly.timer"):
        assert systemd.property(name, "ActiveState") == "active", name
        assert systemd.property(name, "UnitFileState") == "enabled", name
    assert answer(systemd, "hello").startswith("You said: ")

    def from_timer() -> list[str]:
        said = json.loads(systemd.ccmux("messages", "--json").stdout)
        return [message["content"] for message in said if message["channel"] == "clock"]

    wanted = ['good "morning" 100% $HOME']
    until(lambda: from_timer() == wanted, lambda: f"the timer's message: {from_timer()}")

    # again, from a shell that finds less: nothing is to be done
    services = ("ccmux.service", "ccmux-door.service", "ccmux-bell.service")
    pids = {name: pid(systemd, name) for name in services}
    before = files(systemd)
    done = deploy(systemd, PATH=":".join(USUAL_PATH))
    assert (changes(done), files(systemd)) == ([], before)
    assert done.stdout.startswith("9 units: 0 created, 0 updated, 0 removed, 9 unchanged")
    assert {name: pid(systemd, name) for name in pids} == pids

    # what is changed is renewed, what is no more is removed, all else is left alone
    claude = systemd.status()["pid"]
    systemd.settings["adapters"]["door"]["env"] = {"WHO": "cat"}
    del systemd.settings["adapters"]["bell"]
    systemd.settings["timers"]["yearly"]["schedule"] = "*-02-01"
    del systemd.settings["timers"]["wake"]
    done = deploy(systemd)
    assert set(changes(done)) == {
        "~ updated ccmux-door.service",
        "~ updated ccmux-yearly.timer",
        "- removed ccmux-bell.service",
        "- removed ccmux-wake.service",
        "- removed ccmux-wake.timer",
        "restarted ccmux-door.service",
        "restarted ccmux-yearly.timer",
    }
    until_another(systemd, "ccmux-door.service", pids["ccmux-door.service"])
    assert b"WHO=cat" in environ(systemd, "ccmux-door.service")
    assert "-02-01" in systemd.property("ccmux-yearly.timer", "TimersCalendar")
    assert systemd.property("ccmux-bell.service", "LoadState") == "not-found"
    assert systemd.property("ccmux-wake.timer", "LoadState") == "not-found"
    assert pid(systemd, "ccmux.service") == pids["ccmux.service"]
    assert systemd.status()["pid"] == claude

    # and gone again, but for what is not ours
    done = systemd.run(str(PROGRAMS / "ccmux-deploy"), "remove")
    assert done.stdout.splitlines()[-1] == "6 units removed"
    assert files(systemd) == FOREIGN

    # It may keep a name for as long as it likes (measured: for minutes); nothing is behind it any more.
    kinds = ("ccmux*.service", "ccmux*.target", "ccmux*.timer")
    listed = systemd.systemctl("list-units", "--all", "--no-legend", "--plain", *kinds)
    known = {line.split()[0]: line.split()[1:4] for line in listed.splitlines()}
    of_ours = {name: state for name, state in known.items() if name not in FOREIGN}
    assert all(state == ["not-found", "inactive", "dead"] for state in of_ours.values()), of_ours
    assert not list(systemd.unit_dir.glob("*.wants/ccmux*"))
    assert "ccmux-stand" in systemd.tmux("list-sessions")
    assert systemd.run(str(PROGRAMS / "ccmux-deploy"), "remove").stdout.startswith("there are no units of ")


def environ(stand: SystemdStand, unit: str) -> bytes:
    """Return the environment of a unit's main process, whose pid is one of its namespace's."""
    return stand.run("cat", f"/proc/{pid(stand, unit)}/environ").stdout.encode()


def test_what_must_not_be_is_told_all_at_once_and_nothing_is_done(shared_systemd: SystemdStand) -> None:
    closed = shared_systemd.project / "closed"
    closed.write_text("#!/bin/sh\n")
    mine = shared_systemd.unit_dir / "ccmux-door.service"
    mine.write_text("[Service]\nExecStart=/bin/true\n")
    before = files(shared_systemd)
    shared_systemd.settings["adapters"] = {"door": {"exec": SLEEPS}, "gone": {"exec": ["bin/gone"]}}
    shared_systemd.settings["timers"] = {
        "never": {"schedule": ["daily", "Mon..Frei"], "exec": ["/bin/true"]},
        "shut": {"schedule": "daily", "exec": ["./closed"]},
    }
    for words in ((), ("--dry-run",)):
        done = deploy(shared_systemd, *words, check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 6)
        for problem in (
            "[timers.never] schedule: Failed to parse calendar specification 'Mon..Frei'",
            "[timers.shut] exec: ",
            f"{closed} is not executable: chmod +x",
            "[adapters.gone] exec: there is no ",
            "ccmux-door.service",
            "nothing was changed",
        ):
            assert problem in done.stderr
        assert files(shared_systemd) == before
    shared_systemd.settings["adapters"] = shared_systemd.settings["timers"] = {}
    mine.unlink()


def test_a_second_project_is_refused_with_the_way_out(shared_systemd: SystemdStand) -> None:
    other = shared_systemd.home / "ccmux.toml"
    other.touch()
    unit = shared_systemd.unit_dir / "ccmux-old.service"
    unit.write_text(text_of_unit(other, {"Service": ["ExecStart=/bin/true"]}))
    before = files(shared_systemd)
    done = deploy(shared_systemd, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"remove it first: ccmux-deploy --config {other} remove" in done.stderr
    done = shared_systemd.run(str(PROGRAMS / "ccmux-deploy"), "remove")
    assert done.stdout.startswith("there are no units of ")
    assert files(shared_systemd) == before

    other.unlink()
    assert "  would remove: ccmux-old.service" in deploy(shared_systemd, "--dry-run").stdout.splitlines()
    unit.unlink()


def test_a_daemon_in_the_foreground_is_named_before_anything_is_changed(systemd: SystemdStand) -> None:
    systemd.write_settings()
    with systemd.start_ccmux() as foreground:
        running = systemd.until_state("idle")
        for words in ((), ("--dry-run",)):
            done = deploy(systemd, *words, check=False)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
            assert "`ccmux stop` ends it" in done.stderr
            assert done.stderr.endswith("; nothing was changed\n")
            assert files(systemd) == {}
        systemd.settings["project"]["name"] = "another"
        assert "is in use by the ccmux daemon of project 'stand'" in deploy(systemd, check=False).stderr
        systemd.settings["project"]["name"] = "stand"
        systemd.write_settings()
        systemd.ccmux("stop")
        assert foreground.wait(LIMIT_S) == 0
    deploy(systemd)
    assert systemd.until_state("idle")["pid"] == running["pid"]
    assert changes(deploy(systemd)) == []


def test_a_daemon_that_goes_on_with_older_settings_is_told_of_until_it_is_restarted(
    systemd: SystemdStand,
) -> None:
    older = "the daemon runs with older settings; systemctl --user restart ccmux.service takes the new ones"
    assert older not in deploy(systemd).stderr
    systemd.settings["timing"] = {"idle_threshold": 2.5}
    for words in (("--dry-run",), (), ()):
        done = deploy(systemd, *words)
        assert (changes(done), older in done.stderr) == ([], True)
    systemd.systemctl("restart", "ccmux.service")
    assert older not in deploy(systemd).stderr


def test_where_no_systemd_answers_one_line_says_what_is_missing(shared_systemd: SystemdStand) -> None:
    done = deploy(shared_systemd, check=False, XDG_RUNTIME_DIR=str(shared_systemd.home))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no user manager runs for root" in done.stderr
    done = deploy(shared_systemd, check=False, XDG_CONFIG_HOME=str(shared_systemd.home))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the user manager does not read" in done.stderr
    assert files(shared_systemd) == {}


def test_units_end_come_back_and_give_up_each_by_itself(systemd: SystemdStand) -> None:
    systemd.settings["adapters"] = {
        "door": {"exec": SLEEPS, "restart_delay": 0.05},
        "broken": {"exec": ["/bin/sh", "-c", "echo >>starts; exit 3"], "restart_delay": 0.05},
        "reader": {"exec": ["/bin/sh", "-c", ENDS_WELL], "restart_delay": 0.05},
    }
    systemd.settings["timers"] = {"yearly": {"schedule": "*-01-01", "exec": SLEEPS}}
    deploy(systemd, check=False)

    # one that read to an end is there for what comes next
    until(lambda: systemd.property("ccmux-reader.service", "NRestarts") == "1", "the reader came back")

    # one that crashes in a loop is held, and the rest goes on
    systemd.until_active("ccmux-broken.service", "failed")
    assert (systemd.project / "starts").read_text() == "\n" * 10
    assert systemd.property("ccmux-door.service", "NRestarts") == "0"
    assert systemd.property("ccmux.target", "ActiveState") == "active"
    done = deploy(systemd, check=False)
    assert changes(done) == ["started ccmux-broken.service"]
    systemd.until_active("ccmux-broken.service", "failed")
    assert (systemd.project / "starts").read_text() == "\n" * 20

    del systemd.settings["adapters"]["broken"]
    deploy(systemd)
    assert systemd.property("ccmux-broken.service", "LoadState") == "not-found"
    assert systemd.systemctl("list-units", "--failed", "--no-legend") == ""

    # who is killed comes back; what a timer started does not
    claude = systemd.until_state("idle")["pid"]
    systemd.systemctl("start", "--no-block", "ccmux-yearly.service")
    until(lambda: pid(systemd, "ccmux-yearly.service") > 0, "what the timer starts runs")
    services = ("ccmux.service", "ccmux-door.service", "ccmux-yearly.service")
    pids = {name: pid(systemd, name) for name in services}
    for name in pids:
        systemd.systemctl("kill", "--kill-whom=main", f"--signal={int(signal.SIGKILL)}", name)
    systemd.until_active("ccmux-yearly.service", "failed")
    for name in ("ccmux.service", "ccmux-door.service"):
        until_another(systemd, name, pids[name])
        systemd.until_active(name)
    assert systemd.until_state("idle")["pid"] == claude

    # the target takes all with it, and brings all back
    systemd.systemctl("stop", "ccmux.target")
    for name in ("ccmux.service", "ccmux-door.service", "ccmux-yearly.timer"):
        systemd.until_active(name, "inactive")
    systemd.systemctl("start", "ccmux.target")
    for name in ("ccmux.service", "ccmux-door.service", "ccmux-yearly.timer"):
        systemd.until_active(name)
    assert "still there" in answer(systemd, "still there")
    assert systemd.status()["pid"] == claude


def killing(stand: SystemdStand, when: str) -> str:
    """Return a PATH on which systemctl kills who calls it, when its words hold `when`."""
    folder = stand.home / "killing"
    folder.mkdir(exist_ok=True)
    program = folder / "systemctl"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *{when}*) kill -9 $PPID; exit 1;; esac\nexec /usr/bin/systemctl "$@"\n'
    )
    program.chmod(0o700)
    return f"{folder}:{stand.environment['PATH']}"


@pytest.mark.parametrize("when", ["daemon-reload", "enable", "try-restart"])
def test_one_that_is_killed_in_between_is_finished_by_the_next(systemd: SystemdStand, when: str) -> None:
    systemd.settings["adapters"] = {"door": {"exec": SLEEPS}, "bell": {"exec": SLEEPS}}
    if when != "enable":
        deploy(systemd)
        systemd.settings["adapters"]["door"]["env"] = {"WHO": "cat"}
        del systemd.settings["adapters"]["bell"]
    done = deploy(systemd, check=False, PATH=killing(systemd, when))
    assert done.returncode == -signal.SIGKILL

    deploy(systemd)
    systemd.until_active("ccmux-door.service")
    wanted = b"WHO=cat" if when != "enable" else b"HOME="
    until(lambda: wanted in environ(systemd, "ccmux-door.service"), "the new door runs")
    bell = "not-found" if when != "enable" else "loaded"
    assert systemd.property("ccmux-bell.service", "LoadState") == bell
    assert systemd.property("ccmux-door.service", "UnitFileState") == "enabled"
    assert changes(deploy(systemd)) == []


def test_it_runs_at_boot_as_a_unit_of_its_own_and_two_at_once_do_no_harm(systemd: SystemdStand) -> None:
    deploy(systemd)
    systemd.settings["adapters"] = {"door": {"exec": SLEEPS}}
    systemd.write_settings()
    systemd.systemctl("stop", "ccmux.target")
    systemd.systemctl("start", "--no-block", "default.target")
    deploy(systemd)
    systemd.until_active("ccmux-door.service")
    until(
        lambda: systemd.property("ccmux-reconcile.service", "ActiveState") == "inactive",
        "what runs at boot is done",
    )
    assert systemd.property("ccmux-reconcile.service", "Result") == "success"
    assert "units: " in systemd.journal("ccmux-reconcile.service")
    assert changes(deploy(systemd)) == []

    # what fails at its own time is no failure of who deploys
    systemd.settings["timers"] = {"bad": {"startup_delay": "100ms", "exec": ["/bin/false"]}}
    deploy(systemd)
    systemd.until_active("ccmux-bad.service", "failed")
    assert "note: ccmux-bad.service failed when it last ran (exit-code); see: " in deploy(systemd).stderr

    # and what could not be deployed at boot is done with when it could be
    systemd.settings["timers"]["bad"]["schedule"] = "Frei"
    systemd.write_settings()
    systemd.systemctl("start", "ccmux-reconcile.service", check=False)
    assert systemd.property("ccmux-reconcile.service", "ActiveState") == "failed"
    systemd.settings["timers"] = {}
    deploy(systemd)
    assert systemd.systemctl("list-units", "--failed", "--no-legend") == ""


def test_a_dry_run_shows_all_and_does_nothing(shared_systemd: SystemdStand) -> None:
    shared_systemd.settings["adapters"] = {"door": {"exec": SLEEPS}}
    done = deploy(shared_systemd, "--dry-run")
    assert files(shared_systemd) == {}
    assert done.stdout.startswith("  would create: ccmux.target ccmux.service ")
    whole = deploy(shared_systemd, "--dry-run", "-v").stdout
    assert "+ExecStart=:/bin/sleep 100000" in whole.splitlines()
    assert whole.endswith(done.stdout)
    assert "  would start: ccmux.target ccmux.service ccmux-door.service" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == (
        "4 units: 4 created, 0 updated, 0 removed, 0 unchanged; nothing was changed"
    )
    assert not Path(shared_systemd.run_dir).exists()


def test_a_relay_that_is_wanted_here_runs_with_a_key_and_verifies(systemd: SystemdStand) -> None:
    lent = LentPort()
    port = lent.number
    try:
        systemd.settings["relay"] = {"enabled": True, "port": port}
        refused = deploy(systemd, check=False)
        assert refused.returncode == 1
        assert "[relay] enabled: there is no key in " in refused.stderr
        assert files(systemd) == {}
        secrets = systemd.home / ".ccmux/secrets"
        secrets.mkdir(parents=True, mode=0o700)
        key = secrets / "live_api_key"
        key.write_text("the-key")
        assert "others can read or change it" in deploy(systemd, check=False).stderr
        key.chmod(0o600)
        deploy(systemd)
        systemd.until_state("idle")
        findings = json.loads(
            systemd.run(str(PROGRAMS / "ccmux-deploy"), "verify", "--json", check=False).stdout
        )["findings"]
        seen = {(one["area"], one["name"]): one for one in findings}
        assert seen["service", "ccmux-relay"]["verdict"] == "ok"
        assert seen["relay", ""]["says"] == f"127.0.0.1:{port}/healthz answers"
        systemd.systemctl("stop", "ccmux.target")
        systemd.until_active("ccmux-relay.service", "inactive")
        del systemd.settings["relay"]
        deploy(systemd)
        assert "ccmux-relay.service" not in files(systemd)
    finally:
        lent.give_back()
