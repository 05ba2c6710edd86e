"""The daemon under a real systemd: its restart, its death and its end leave the conversation alone."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from ccmux.client import ControlClient
from tests.house.stand import until
from tests.systemd.stand import PROGRAMS, SystemdStand

SERVICE = "ccmux.service"

HURRIED = """\
[Service]
RestartSec=100ms
WatchdogSec={watchdog_s}
TimeoutAbortSec=1
"""
"""Over what is deployed: the same, without the waits."""


@pytest.fixture
def house(systemd: SystemdStand) -> SystemdStand:
    """A daemon under systemd, its Claude (the demo agent) idle."""
    systemd.settings["tmux"] = {"socket": "house"}
    begin(systemd)
    return systemd


def begin(systemd: SystemdStand, *, watchdog_s: int = 60) -> None:
    systemd.write_settings()
    dropins = systemd.unit_dir / f"{SERVICE}.d"
    dropins.mkdir()
    (dropins / "hurried.conf").write_text(HURRIED.format(watchdog_s=watchdog_s))
    systemd.run(str(PROGRAMS / "ccmux-deploy"))
    systemd.until_state("idle")


def ask(house: SystemdStand, op: str, **fields: Any) -> dict[str, Any]:
    with ControlClient(house.run_dir / "control.sock", project="stand") as client:
        return client.ask(op, **fields)


def daemon_pid(house: SystemdStand) -> int:
    return int(house.property(SERVICE, "MainPID"))


def signalled(house: SystemdStand, name: str) -> None:
    """Send the daemon, and nothing else, a signal."""
    house.systemctl("kill", "--kill-who=main", f"--signal={name}", SERVICE)


def until_another(house: SystemdStand, pid: int) -> None:
    until(lambda: daemon_pid(house) not in {0, pid}, "another daemon was started")
    house.until_state("idle")


def claude_pid(house: SystemdStand) -> int:
    return int(house.tmux("-L", "house", "display-message", "-p", "-t", "=ccmux-stand:claude", "#{pane_pid}"))


def unit_of(house: SystemdStand, pid: int) -> str:
    """Return the user unit a process belongs to."""
    return house.run("ps", "-o", "uunit=", "-p", str(pid)).stdout.strip()


def core_limit(house: SystemdStand, pid: int) -> str:
    """Return how large a core of this process may be."""
    limits = house.run("cat", f"/proc/{pid}/limits").stdout
    return limits.partition("Max core file size")[2].split()[0]


def contents(house: SystemdStand) -> list[str]:
    """Return all that was taken, sorted."""
    path = house.home / ".ccmux/data/ccmux/stand/ccmux.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return sorted(content for (content,) in db.execute("SELECT content FROM message"))


def write(house: SystemdStand, line: str) -> None:
    with (house.run_dir / "in").open("w") as pipe:
        pipe.write(line + "\n")


@contextmanager
def writers(house: SystemdStand, *, count: int) -> Iterator[list[str]]:
    """Let somebody write to the FIFO all the time; yields what was written, and it grows."""
    written: list[str] = []
    stop = threading.Event()

    def go_on(writer: int) -> None:
        number = 0
        pipe = os.open(house.run_dir / "in", os.O_WRONLY)
        with suppress(BrokenPipeError):
            while not stop.wait(0.01):
                number += 1
                line = f"writer {writer} line {number}"
                os.write(pipe, f"{line}\n".encode())
                written.append(line)
        os.close(pipe)

    threads = [threading.Thread(target=go_on, args=(writer,)) for writer in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield written
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_claude_lives_in_a_scope_of_its_own_and_hears_nothing_of_the_service(house: SystemdStand) -> None:
    claude = claude_pid(house)
    assert unit_of(house, claude).startswith("ccmux-tmux-stand-")
    server = int(house.tmux("-L", "house", "display-message", "-p", "#{pid}"))
    for pid in (claude, server):
        names = {
            line.partition("=")[0] for line in house.run("cat", f"/proc/{pid}/environ").stdout.split("\0")
        }
        assert not names & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "FDSTORE", "INVOCATION_ID", "JOURNAL_STREAM"}
    unit_may = house.property(SERVICE, "LimitCORESoft").replace("infinity", "unlimited")
    assert (core_limit(house, claude), core_limit(house, daemon_pid(house))) == (unit_may, "0")
    until(lambda: house.property(SERVICE, "StatusText") == "Claude is idle", "systemctl status says it")


@pytest.mark.parametrize("how", ["restart", "kill the daemon", "kill its control group"])
def test_the_conversation_outlives_the_daemon_and_no_message_is_lost_or_doubled(
    house: SystemdStand, how: str
) -> None:
    claude, daemon = claude_pid(house), daemon_pid(house)
    with writers(house, count=2) as written:
        until(lambda: len(contents(house)) > 20, "messages come")
        if how == "restart":
            house.systemctl("restart", SERVICE)
        elif how == "kill the daemon":
            # Nothing is read while it is stopped: what is written then is in the pipe alone.
            signalled(house, "STOP")
            before = len(written)
            until(lambda: len(written) > before + 20, "the writers go on")
            signalled(house, "KILL")
        else:
            house.kill_group(SERVICE)
        until_another(house, daemon)
    until(lambda: len(contents(house)) >= len(written), "all is taken")
    assert contents(house) == sorted(written)
    assert claude_pid(house) == ask(house, "status")["status"]["pid"] == claude
    assert ask(house, "status")["status"]["keeper"] == "systemd+process"
    runs = ask(house, "runs")["runs"]
    assert [run["ended"] for run in runs] == ["stopped" if how == "restart" else "killed", None]
    assert runs[0]["started_at"] <= runs[1]["alive_before"] <= runs[1]["started_at"]


def test_a_daemon_that_hangs_is_started_anew_and_says_where_it_hung(systemd: SystemdStand) -> None:
    systemd.settings["tmux"] = {"socket": "house"}
    begin(systemd, watchdog_s=2)
    claude, daemon = claude_pid(systemd), daemon_pid(systemd)
    signalled(systemd, "STOP")
    write(systemd, "written while it hangs")
    until_another(systemd, daemon)
    until(lambda: contents(systemd) == ["written while it hangs"], "the message is taken")
    assert claude_pid(systemd) == claude
    assert "Watchdog timeout" in systemd.journal(SERVICE)


def test_a_stop_leaves_the_scope_and_its_conversation_and_what_is_written_until_the_start_is_taken(
    house: SystemdStand,
) -> None:
    claude = claude_pid(house)
    until(lambda: ask(house, "status")["status"]["keeper"] == "systemd+process", "both keep the pipes")
    with writers(house, count=2) as written:
        until(lambda: len(contents(house)) > 20, "messages come")
        house.systemctl("stop", "ccmux.target")
        house.until_active(SERVICE, "inactive")
        assert house.property(SERVICE, "Result") == "success"
        # A cron job's `echo x > in` neither fails nor waits, though no daemon runs.
        pipe = os.open(house.run_dir / "in", os.O_WRONLY | os.O_NONBLOCK)
        os.write(pipe, b"from cron\n")
        os.close(pipe)
        before = len(written)
        until(lambda: len(written) > before + 20, "the writers go on")
        assert claude_pid(house) == claude
        house.systemctl("start", "ccmux.target")
        assert house.until_state("idle")["pid"] == claude
    until(lambda: len(contents(house)) > len(written), "all is taken")
    assert contents(house) == sorted([*written, "from cron"])


def test_a_tmux_server_that_was_killed_is_built_again_in_a_new_scope(house: SystemdStand) -> None:
    claude = claude_pid(house)
    first = unit_of(house, claude)
    house.tmux("-L", "house", "kill-server")
    until(lambda: house.status().get("pid") not in {None, claude}, "Claude is hosted again")
    second = unit_of(house, claude_pid(house))
    assert second.startswith("ccmux-tmux-stand-")
    assert second != first


def test_the_journal_has_each_line_with_its_weight_and_no_message(house: SystemdStand) -> None:
    write(house, "a secret word")
    until(lambda: len(contents(house)) == 1, "the message is taken")
    house.run("journalctl", "--sync")
    lines = house.run("journalctl", "--user-unit", SERVICE, "-o", "json", "--no-pager").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    ours = [record for record in records if record["MESSAGE"].startswith("{")]
    assert {record["PRIORITY"] for record in ours} <= {"4", "6"}
    assert "daemon ready" in {json.loads(record["MESSAGE"])["event"] for record in ours}
    assert not any("timestamp" in json.loads(record["MESSAGE"]) for record in ours)
    assert "a secret word" not in "".join(lines)


def test_stop_ends_the_unit_and_nothing_starts_it_again(house: SystemdStand) -> None:
    claude = claude_pid(house)
    said = house.ccmux("stop").stdout
    assert f"stopped {SERVICE}" in said
    assert "ended the daemon of 'stand'" in said
    assert said.endswith("start again: systemctl --user start ccmux.target\n")
    assert house.property(SERVICE, "ActiveState") == "inactive"
    assert house.property("ccmux.target", "ActiveState") == "active"
    assert claude_pid(house) == claude
    assert house.ccmux("stop").stdout == "no daemon of 'stand' runs\n"


def test_stop_all_leaves_nothing_running_and_loses_nothing(systemd: SystemdStand) -> None:
    systemd.settings["tmux"] = {"socket": "house"}
    systemd.settings["adapters"] = {"door": {"exec": ["/bin/sleep", "100000"]}}
    systemd.settings["timers"] = {"yearly": {"schedule": "*-01-01", "exec": ["/bin/true"]}}
    begin(systemd)
    scope = unit_of(systemd, claude_pid(systemd))
    systemd.ccmux("pause")
    with writers(systemd, count=2) as written:
        until(lambda: len(contents(systemd)) > 20, "messages come")
        # A person's open shell: it writes while all ends, and hears that nobody reads any more.
        said = systemd.ccmux("stop", "--all").stdout
    assert "ccmux-door.service, ccmux-yearly.timer, ccmux.service, ccmux.target" in said
    assert "ended Claude's tmux session ccmux-stand" in said
    running = systemd.systemctl("list-units", "--state=active,activating", "--plain", "--no-legend", "ccmux*")
    assert running == ""
    until(lambda: systemd.property(scope, "ActiveState") == "inactive", "the scope ended")
    assert f"next start: {len(contents(systemd))}" in said
    assert contents(systemd) == sorted(written)
    systemd.systemctl("start", "ccmux.target")
    assert systemd.until_state("idle")["queue"]["queued"] == len(written)
