"""What a user does with live status: install and uninstall, a relay named in settings, a look before."""

import json
import shlex
import stat
from pathlib import Path

import pytest

from ccmux.cli.live import ACTIONS
from tests.live.desk import Desk, answered, asked
from tests.live.relay import RelayServer


@pytest.fixture
def settings(desk: Desk) -> Path:
    path = desk.home / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    return path


def named_in_settings(desk: Desk, relay: RelayServer, more: str = "") -> str:
    """Name the relay in a settings file and its key in the secrets, and nowhere else; return the file."""
    for name in ("CC_LIVE_ENDPOINT", "CC_LIVE_API_KEY"):
        del desk.environment[name]
    config = desk.home / "ccmux.toml"
    config.write_text(f'[live]\nendpoint = "{relay.url}"\nsource = "laptop"\n{more}')
    key = desk.home / ".ccmux/secrets/live_api_key"
    key.parent.mkdir(mode=0o700, parents=True)
    key.parent.parent.chmod(0o700)
    key.touch(mode=0o600)
    key.write_text("k3y\n")
    return str(config)


def hooks(settings: Path) -> list[list[str]]:
    """Return the argv of every hook that stands there."""
    told = json.loads(settings.read_text())["hooks"]
    groups = [group for event in ("SessionStart", "SessionEnd") for group in told[event]]
    return [shlex.split(hook["command"]) for group in groups for hook in group["hooks"]]


def test_installed_it_stands_beside_what_was_there_and_uninstalled_it_is_gone(
    desk: Desk, settings: Path
) -> None:
    before = '{\n  "model": "opus",\n  "hooks": {"Stop": [1,2]}\n}\n'
    settings.write_text(before)
    settings.chmod(0o640)
    run = desk.run("live", "install")
    told, when = run.stdout.decode().splitlines()
    assert (run.returncode, told) == (0, f"{settings}: hooks added")
    assert "where its environment has CC_LIVE_ENDPOINT" in when
    start, end = hooks(settings)
    assert start[:5] == ["/bin/sh", str(desk.paths.hook), str(desk.paths.dir), "register", "if-told"]
    assert end[3] == "unregister"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o640
    desk.paths.hook.write_text("that of an older ccmux")
    assert desk.run("live", "install").stdout.decode() == f"{settings}: nothing to do\n"
    assert desk.paths.hook.read_text().startswith("#!/bin/sh\n")
    assert desk.run("live", "uninstall").stdout.decode() == f"{settings}: hooks taken out\n"
    assert settings.read_text() == before
    assert desk.run("live", "uninstall").stdout.decode() == f"{settings}: nothing to do\n"


def test_its_help_says_what_each_action_does(desk: Desk) -> None:
    told = desk.run("live", "--help", COLUMNS="80").stdout.decode().splitlines()
    for action in ACTIONS:
        assert any(line.startswith(f"  {action:10}  ") for line in told)


def test_where_there_are_no_settings_they_are_made_for_their_owner_alone(desk: Desk) -> None:
    assert desk.run("live", "install").returncode == 0
    settings = desk.home / ".claude" / "settings.json"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    said = desk.run("live", "uninstall").stdout.decode()
    assert said == f"{settings}: hooks taken out, and the file, in which nothing else stood\n"
    assert not settings.exists()


def test_a_link_to_settings_that_were_not_there_stays(desk: Desk, settings: Path) -> None:
    settings.symlink_to(desk.home / "shared.json")
    for action, is_there in (("install", True), ("uninstall", False)):
        assert desk.run("live", action).returncode == 0
        assert settings.is_symlink()
        assert settings.exists() is is_there


def test_settings_that_cannot_be_read_are_left_alone(desk: Desk, settings: Path) -> None:
    settings.write_text('{"model": "opus",}')
    for action in ("install", "uninstall"):
        run = desk.run("live", action)
        assert run.returncode == 1
        assert "settings.json" in run.stderr.decode()
        assert "line 1" in run.stderr.decode()
        assert "mend that and try again" in run.stderr.decode()
    assert settings.read_text() == '{"model": "opus",}'


def test_a_relay_in_the_settings_is_told_of_every_session(
    desk: Desk, relay: RelayServer, settings: Path
) -> None:
    config = named_in_settings(desk, relay)
    run = desk.run("live", "install", "--config", config)
    assert (run.returncode, run.stdout.decode()) == (0, f"{settings}: hooks added\n")
    start, end = hooks(settings)
    assert start[4] == "always"
    assert start[-2:] == ["--config", config]
    desk.transcript("s1", asked("u1", "hello"))
    desk.hook(start, desk.payload("s1"), pid=desk.claude())
    relay.until_sessions("s1")
    assert relay.newest.headers["Authorization"] == "Bearer k3y"
    assert relay.newest.said["source"] == "laptop"
    desk.hook(end, desk.payload("s1"))
    relay.until_stop()


def test_a_publisher_renews_the_hook_that_an_older_ccmux_installed(desk: Desk, relay: RelayServer) -> None:
    assert desk.run("live", "install").returncode == 0
    desk.paths.hook.write_text("that of an older ccmux")
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    relay.until_sessions("s1")
    assert desk.paths.hook.read_text().startswith("#!/bin/sh\n")


def test_register_by_hand_finds_the_settings_too(desk: Desk, relay: RelayServer) -> None:
    config = named_in_settings(desk, relay)
    desk.tell("register", desk.payload("s1"), pid=desk.claude(), CCMUX_CONFIG=config)
    relay.until_sessions("s1")


def test_settings_say_which_projects_and_words_are_shown(desk: Desk, relay: RelayServer) -> None:
    config = named_in_settings(desk, relay, 'projects = ["proj"]\nredact = false\n')
    desk.transcript("s1", asked("u1", "mail anna.smith@web-mail.org"))
    desk.tell("register", desk.payload("s1"), pid=desk.claude(), CCMUX_CONFIG=config)
    desk.tell("register", desk.payload("s2", cwd="/elsewhere"), pid=desk.claude(), CCMUX_CONFIG=config)
    relay.until_sessions("s1")
    assert relay.sessions()[0]["last_prompt"] == "mail anna.smith@web-mail.org"


@pytest.mark.parametrize("text", ["[live]\nendpoint = 7\n", "[live"])
def test_wrong_settings_hold_claude_up_no_more_than_none(desk: Desk, text: str) -> None:
    config = desk.home / "ccmux.toml"
    config.write_text(text)
    desk.tell("register", desk.payload("s1"), CC_LIVE_ENDPOINT="", CCMUX_CONFIG=str(config))
    assert desk.publishers() == []


def test_preview_shows_what_would_leave_also_before_anybody_is_told(desk: Desk) -> None:
    desk.transcript("s1", asked("u1", "hello"), answered("m1", 100))
    spool = desk.paths.spool
    spool.mkdir(parents=True)
    for folder in (desk.home / ".ccmux", desk.home / ".ccmux/data", desk.paths.dir):
        folder.chmod(0o700)
    (spool / "1.json").write_bytes(b"register 0 0\n" + desk.payload("s1"))
    (spool / "2.json").write_bytes(b"register 0 0\n" + desk.payload("s2"))
    (spool / "3.json").write_bytes(b"unregister 0 0\n" + desk.payload("s2"))
    (spool / "4.json").write_bytes(b"nonsense")
    run = desk.run("live", "preview", CC_LIVE_ENDPOINT="", CC_LIVE_API_KEY="")
    [session] = json.loads(run.stdout)["sessions"]
    assert (session["session_id"], session["total_tokens"], session["last_prompt"]) == ("s1", 101, "hello")
    assert b"nobody is told of it, for there is no [live] endpoint" in run.stderr
    assert len(list(spool.iterdir())) == 4, "nothing was taken"
    run = desk.run("live", "preview", CC_LIVE_API_KEY="")
    assert b"there is no key in " in run.stderr


def test_a_publisher_that_is_to_tell_nobody_throws_away_what_hooks_told(desk: Desk) -> None:
    desk.paths.spool.mkdir(parents=True)
    for folder in (desk.home / ".ccmux", desk.home / ".ccmux/data", desk.paths.dir):
        folder.chmod(0o700)
    (desk.paths.spool / "1.json").write_bytes(b"register 0 0\n" + desk.payload("s1"))
    assert desk.run("live", "serve", CC_LIVE_API_KEY="").returncode == 0
    assert list(desk.paths.spool.iterdir()) == []


def test_a_second_publisher_ends_at_once(desk: Desk, relay: RelayServer) -> None:
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    relay.until_sessions("s1")
    assert desk.run("live", "serve").returncode == 0
    assert len(desk.publishers()) == 1


def test_a_key_that_others_can_read_is_refused(desk: Desk, relay: RelayServer) -> None:
    config = named_in_settings(desk, relay)
    (desk.home / ".ccmux/secrets/live_api_key").chmod(0o644)
    run = desk.run("live", "serve", "--config", config)
    assert run.returncode == 1
    assert "chmod 600" in run.stderr.decode()
