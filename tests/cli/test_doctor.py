"""`ccmux doctor` on a whole place: well it says so, and each break is named with what mends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.house.stand import Stand, remove, short_folder, until

OK, WARN, BAD = "ok", "warn", "bad"


@dataclass(frozen=True)
class Examined:
    """What the doctor said."""

    code: int
    findings: list[dict[str, str]]
    fixed: list[str]
    text: str

    @property
    def bad(self) -> list[str]:
        """What is bad; how full this machine's disk is, and whether it is one, is not the test's business."""
        return [f"{one['area']} {one['name']}".strip() for one in self._but_disk() if one["verdict"] == BAD]

    def of(self, area: str, name: str = "") -> dict[str, str]:
        found = [one for one in self.findings if (one["area"], one["name"]) == (area, name)]
        assert len(found) == 1, (area, name, self.findings)
        return found[0]

    def _but_disk(self) -> list[dict[str, str]]:
        return [one for one in self.findings if one["area"] != "disk"]


def examine(stand: Stand, *words: str, env: Mapping[str, str] | None = None) -> Examined:
    done = subprocess.run(
        [sys.executable, "-m", "ccmux", "doctor", "--json", *words],
        cwd=stand.project,
        env={**stand.environment, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["ok"] is (done.returncode == 0)
    assert done.returncode in {0, 1}
    for one in told["findings"]:
        assert (one["mend"] != "") is (one["verdict"] != OK), one
    return Examined(done.returncode, told["findings"], told.get("fixed", []), done.stdout)


@contextmanager
def a_stand(agent: str = "demo") -> Iterator[Stand]:
    folder = short_folder()
    try:
        with Stand(folder, agent=agent) as made:
            yield made
    finally:
        remove(folder)


@pytest.fixture(scope="module")
def healthy() -> Iterator[Stand]:
    """A daemon with the demo agent, well; who breaks something mends it."""
    with a_stand() as made:
        made.start()
        yield made


@pytest.fixture
def other(healthy: Stand) -> dict[str, Any]:
    """Settings of another project in the same folder, whose daemon does not run: break them as you like."""
    return {
        "project": {"name": "other"},
        "runtime": {"dir": str(healthy.folder / "run-other")},
        "mcp": {"port": 1},
        "claude": {"command": healthy.settings["claude"]["command"]},
    }


def written(settings: Mapping[str, Any], tmp_path: Path, mode: int = 0o600) -> tuple[str, str]:
    path = tmp_path / "other.toml"
    path.write_text(tomli_w.dumps(settings))
    path.chmod(mode)
    return "--config", str(path)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Each run costs half a second of a processor, so one run finds many breaks.


# -------------------------------------------------------------------------------------------------- all well


def test_a_healthy_place_is_well_and_all_areas_are_looked_at(healthy: Stand) -> None:
    found = examine(healthy, "--fix")
    assert (found.bad, found.fixed) == ([], [])
    areas = [
        *("settings", "disk", "clock", "files", "database", "tmux", "claude", "systemd", "port"),
        *("daemon", "session", "queue"),
    ]
    assert list(dict.fromkeys(one["area"] for one in found.findings)) == areas, "from the foundation up"
    for area, name in [
        *(("tmux", "version"), ("tmux", "canary"), ("claude", "version"), ("session", "hooks")),
        *(("session", "mcp"), ("port", ""), ("daemon", ""), ("database", ""), ("files", "secrets")),
    ]:
        assert found.of(area, name)["verdict"] == OK


# ------------------------------------------------------------------------------------------- broken by hand


def test_what_broke_under_a_daemon_is_named_and_what_is_safe_is_mended(
    healthy: Stand, tmp_path: Path
) -> None:
    token = healthy.folder / "secrets" / "api_token"
    shim = healthy.folder / "data" / "ccmux" / "stand" / "hook.sh"
    logs = healthy.folder / "data" / "logs"
    impostor = healthy.run / "in.mail"
    mcp = healthy.project / ".mcp.json"
    fake_tmux = tmp_path / "tmux"
    foreign = healthy.folder / "data" / "foreign"
    right_entry = mcp.read_text()
    try:
        healthy.ccmux("pause")
        with healthy.following(types=["message"]) as events:
            healthy.write('{"content": 1}')
            events.until("message", state="dead")
        logs.rename(tmp_path / "logs")
        impostor.write_text("hello\n")
        mcp.write_text(right_entry.replace(f":{healthy.port}/", ":1/"))
        fake_tmux.write_text("#!/bin/sh\necho tmux 2.9a\n")
        fake_tmux.chmod(0o755)
        foreign.touch()
        foreign.chmod(0o644)
        for path, mode in {healthy.run / "in": 0o622, token: 0o644, shim: 0o755}.items():
            path.chmod(mode)

        found = examine(healthy, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        mended = examine(healthy, "--fix")
        assert (impostor.read_text(), mcp.read_text()) != ("", right_entry), "these take a person"
    finally:
        healthy.ccmux("resume")
        impostor.unlink(missing_ok=True)
        mcp.write_text(right_entry)

    assert (found.code, found.fixed) == (1, [])
    assert found.bad == ["files in.mail", "files secrets", "tmux version", "session mcp"]
    away = f"mv -n {impostor} {impostor.with_name('not-in.mail')} && mkfifo -m 600 {impostor}"
    assert found.of("files", "in.mail")["mend"] == away
    assert found.of("files", "secrets")["mend"] == f"chmod 600 {token}"
    assert "install tmux 3.2a or later" in found.of("tmux", "version")["mend"]
    assert "http://127.0.0.1:1/mcp" in found.of("session", "mcp")["says"]
    assert found.of("files", "in")["verdict"] == WARN
    assert found.of("queue", "pause")["mend"] == "ccmux resume"
    assert found.of("queue", "dead letters")["verdict"] == WARN

    assert sorted(mended.fixed) == sorted(
        [
            f"done: chmod 600 {healthy.run / 'in'}",
            f"done: chmod 600 {token}",
            f"done: chmod 700 {shim}",
            f"done: mkdir -p -m 700 {logs}",
        ]
    )
    assert mode_of(foreign) == 0o644, "it is nothing of ccmux's"
    assert mended.bad == ["files in.mail", "session mcp"]
    assert [mode_of(path) for path in (healthy.run / "in", token, shim, logs)] == [0o600, 0o600, 0o700, 0o700]


def test_a_daemon_that_hangs_is_told_as_that_and_nobody_is_sent_from_its_port(healthy: Stand) -> None:
    assert healthy.daemon is not None
    healthy.daemon.send_signal(signal.SIGSTOP)
    try:
        found = examine(healthy)
    finally:
        healthy.daemon.send_signal(signal.SIGCONT)
    assert found.bad == ["daemon"]
    assert found.of("daemon", "")["mend"].startswith("it hangs, or has very much to do")
    assert found.of("port", "")["verdict"] == OK


def test_an_open_runtime_directory_is_closed(healthy: Stand) -> None:
    healthy.run.chmod(0o755)
    said = healthy.ccmux("doctor", "--fix")
    assert said.startswith(f"done: chmod 700 {healthy.run}\n")
    assert mode_of(healthy.run) == 0o700


def test_what_keeps_a_daemon_from_its_start_is_told_before_it(
    healthy: Stand, other: dict[str, Any], tmp_path: Path
) -> None:
    """Taken port, no Claude, no database, somebody mute on the socket, a secret that others may read."""
    other["mcp"]["port"] = healthy.port
    other["claude"] = {"command": ["no-such-claude"], "env": {"ANTHROPIC_API_KEY": "hunter2"}}
    words = written(other, tmp_path, mode=0o644)
    state = healthy.folder / "data" / "ccmux" / "other"
    state.mkdir(mode=0o700)
    (state / "ccmux.db").write_bytes(b"nonsense " * 1_000)
    (state / "ccmux.db").chmod(0o600)
    runtime = Path(other["runtime"]["dir"])
    runtime.mkdir(mode=0o700)
    try:
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(str(runtime / "control.sock"))
            mute.listen()
            found = examine(healthy, *words)
    finally:
        shutil.rmtree(state)
        shutil.rmtree(runtime)
    assert found.bad == ["database", "claude program", "port", "daemon"]
    assert "; then start ccmux: it begins an empty one" in found.of("database")["mend"]
    assert "npm install" in found.of("claude", "program")["mend"]
    assert healthy.daemon is not None
    assert f"(pid {healthy.daemon.pid}," in found.of("port")["says"]
    assert "no answer in time" in found.of("daemon")["says"]
    # It is the user's own file: told, and left as it is.
    assert found.of("files", "ccmux.toml")["mend"] == f"chmod 600 {words[1]}"
    assert "hunter2" not in found.text


def test_a_daemon_of_another_project_in_the_runtime_directory(
    healthy: Stand, other: dict[str, Any], tmp_path: Path
) -> None:
    other["runtime"]["dir"] = str(healthy.run)
    found = examine(healthy, *written(other, tmp_path))
    assert found.bad == ["daemon"]
    assert "of project 'stand', not 'other'" in found.of("daemon")["says"]


def test_settings_of_nonsense_tell_every_problem_and_what_needs_none_is_looked_at(
    healthy: Stand, tmp_path: Path
) -> None:
    found = examine(healthy, *written({"mcp": {"port": "x"}, "nonsense": {}}, tmp_path))
    assert found.bad == ["settings", "settings"]
    assert found.of("tmux", "canary")["verdict"] == OK


def test_settings_that_went_wrong_under_a_daemon_are_one_finding_and_all_else_is_looked_at(
    healthy: Stand,
) -> None:
    config = healthy.project / "ccmux.toml"
    good = config.read_text()
    config.write_text("nonsense = 1\n" + good + '[timers.a]\nmessage = "x"\n')
    try:
        found = examine(healthy)
    finally:
        config.write_text(good)
    assert found.bad == ["settings"]
    settings = found.of("settings")
    assert "line 1: [nonsense]" in settings["says"]
    assert "[timers.a]" in settings["says"]
    assert settings["mend"] == "edit ccmux.toml, then ccmux-deploy"
    assert found.of("daemon")["verdict"] == OK


def test_a_folder_without_settings_is_no_failure_and_nothing_is_made_there(
    healthy: Stand, tmp_path: Path
) -> None:
    environment = {
        "CCMUX_DATA_DIR": str(tmp_path / "data"),
        "CCMUX_SECRETS_DIR": str(tmp_path / "secrets"),
        "HOME": str(tmp_path / "home"),
    }
    found = examine(healthy, "-C", str(tmp_path), "--fix", env=environment)
    assert found.of("settings")["verdict"] == OK
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------ stands of their own


def test_disabled_hooks_are_told_with_their_cause_and_a_daemon_that_is_down_is_no_failure() -> None:
    with a_stand() as stand:
        settings = stand.claude_home / "settings.json"
        settings.write_text('{"disableAllHooks": true}')
        stand.start()
        found = examine(stand, "--fix")
        assert (found.code, found.bad) == (1, ["claude hooks", "session hooks"])
        assert found.of("claude", "hooks")["mend"] == f"take disableAllHooks out of {settings}"
        assert json.loads(settings.read_text()) == {"disableAllHooks": True}

        settings.unlink()
        stand.ccmux("pause")
        stand.kill()
        found = examine(stand)
        assert found.bad == []
        assert (found.of("daemon")["verdict"], found.of("queue", "pause")["verdict"]) == (WARN, WARN)
        assert found.of("port")["says"] == f"{stand.port} is free"


def test_a_start_up_dialog_is_told_with_what_to_do() -> None:
    with a_stand() as stand:
        stand.distrust()
        stand.environment["CCMUX_DEMO_STARTUP"] = "trust"
        stand.start(wait=False)
        until(lambda: bool(stand.status()["detail"]), "the dialog is seen")
        found = examine(stand)
        assert found.bad == ["session claude"]
        assert "Claude asks at its start: folder trust" in found.of("session", "claude")["says"]
        assert found.of("session", "claude")["mend"] == "ccmux attach, and answer it"


@pytest.mark.real_claude
def test_the_real_cli_tells_its_version_and_login_offline() -> None:
    with a_stand("real") as stand:
        (stand.project / "ccmux.toml").write_text(tomli_w.dumps(stand.settings))
        found = examine(stand)
        assert found.bad == []
        assert found.of("claude", "version")["says"].endswith("the tested one")
        assert found.of("claude", "login")["says"] == "by a token of the environment"

        nobody = examine(stand, env={"ANTHROPIC_AUTH_TOKEN": "", "IS_SANDBOX": ""})
        assert nobody.of("claude", "login")["says"] == "nobody is logged in"
        if os.geteuid() == 0:
            assert "IS_SANDBOX" in nobody.of("claude", "root")["mend"]
        state = json.loads((stand.claude_home / ".claude.json").read_text())
        assert state["projects"], "what the CLI knew before it still knows"
