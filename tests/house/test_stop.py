"""`ccmux stop`: what ends, what goes on, and that nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w

from ccmux.core.errors import DaemonUnreachable
from tests.house.stand import Stand, remove, short_folder, text_of, until


@pytest.fixture
def stand() -> Iterator[Stand]:
    """The demo agent: only the end is tested."""
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            yield made
    finally:
        remove(folder)


def runs(pid: int) -> bool:
    """Whether this process has not ended; one that nobody has waited for has."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def keepers(stand: Stand) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(stand.folder).encode() in (words := path.read_bytes()) and b"keeper/process.py" in words:
                found.append(int(path.parent.name))
    return found


def queued(stand: Stand) -> list[str]:
    return [message["content"] for message in stand.control("messages", states=["queued"])["messages"]]


def answers(stand: Stand) -> bool:
    with suppress(DaemonUnreachable):
        return bool(stand.status())
    return False


def test_stop_ends_the_daemon_alone_and_again_is_no_error(stand: Stand) -> None:
    stand.start()
    assert stand.daemon is not None
    claude, [keeper] = stand.claude_pid, keepers(stand)
    assert f"ended the daemon of 'stand' (pid {stand.daemon.pid})" in stand.ccmux("stop")
    assert stand.daemon.wait(5) == 0
    stand.write("while it is down")
    assert stand.ccmux("stop") == "no daemon of 'stand' runs\n"
    assert runs(claude)
    assert keepers(stand) == [keeper]
    with stand.start().following(since=0) as events:
        assert text_of(events.until("turn")) == "You said: while it is down"


def test_stop_all_leaves_nothing_running_and_loses_nothing(stand: Stand) -> None:
    stand.start()
    assert stand.daemon is not None
    claude, [keeper] = stand.claude_pid, keepers(stand)
    stand.ccmux("pause")
    stand.write("hello")
    until(lambda: queued(stand) == ["hello"], "it waits")
    said = stand.ccmux("stop", "--all").splitlines()
    assert said == [
        f"ended the daemon of 'stand' (pid {stand.daemon.pid})",
        "ended the keeper of the input FIFOs",
        "ended Claude's tmux session ccmux-stand",
        "what waits in the queue stays there for the next start: 1",
        "start again: ccmux",
    ]
    assert stand.daemon.wait(5) == 0
    assert not any(map(runs, (claude, keeper)))
    assert stand.tmux("list-sessions", check=False) == ""
    assert queued(stand.start()) == ["hello"]


def test_stop_all_without_a_daemon_takes_what_stands_in_the_pipes_first(
    stand: Stand,
) -> None:
    stand.start()
    stand.ccmux("pause")
    stand.kill()
    os.mkfifo(stand.run / "in.nobody", 0o600)
    stand.write("in the pipe")
    said = stand.ccmux("stop", "--all").splitlines()
    assert said[0] == "no daemon of 'stand' runs"
    assert said[-1] == "what waits in the queue stays there for the next start: 1"
    assert keepers(stand) == []
    assert queued(stand.start()) == ["in the pipe"]


@pytest.mark.parametrize("by_daemon", [True, False])
def test_a_claude_in_a_tmux_server_that_we_do_not_see_is_no_success(stand: Stand, by_daemon: bool) -> None:
    stand.start()
    claude, seen = stand.claude_pid, stand.environment["TMUX_TMPDIR"]
    if not by_daemon:
        stand.kill()
    elsewhere = stand.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-m", "ccmux", "stop", "--all"],
        cwd=stand.project,
        env=stand.environment | {"TMUX_TMPDIR": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
    )
    socket = f"{seen}/tmux-{os.getuid()}/{stand.socket}"
    assert done.stderr == (
        f"ccmux: Claude (pid {claude}) still runs, started in the tmux server {socket}; "
        f"end it there: `tmux -S {socket} kill-session -t =ccmux-stand`, or else: `kill {claude}`\n"
    )
    assert done.returncode == 1
    assert runs(claude)


def test_after_a_demo_the_demo_is_what_starts_again(stand: Stand) -> None:
    stand.start().stop()
    stand.daemon = subprocess.Popen(
        [sys.executable, "-m", "ccmux", "--demo"], cwd=stand.project, env=stand.environment
    )
    until(lambda: answers(stand), "it answers")
    assert stand.ccmux("stop", "--all").splitlines()[-1] == "start again: ccmux --demo"


def test_a_daemon_of_another_project_is_left_alone(stand: Stand) -> None:
    stand.start()
    stand.settings["project"]["name"] = "other"
    daemon = stand.daemon
    assert daemon is not None
    (stand.project / "ccmux.toml").write_text(tomli_w.dumps(stand.settings))
    assert "belongs to the daemon of project 'stand', which goes on" in stand.ccmux("stop", "--all")
    assert daemon.poll() is None
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(10) == 0
