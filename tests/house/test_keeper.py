"""What a writer's write() put into a FIFO outlives the daemon, also its first moments and tmux's end."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.house.stand import Stand, remove, short_folder, until


@pytest.fixture
def stand() -> Iterator[Stand]:
    """The demo agent: only the way in is tested."""
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            yield made
    finally:
        remove(folder)


def contents(stand: Stand) -> list[str]:
    """Return all that was taken, oldest first."""
    with closing(sqlite3.connect(stand.folder / "data/ccmux/stand/ccmux.db")) as store:
        return [text for (text,) in store.execute("SELECT content FROM message ORDER BY id")]


def keepers(stand: Stand) -> list[int]:
    """Return the pids of this stand's keepers."""
    wanted = f"{stand.folder}/data/".encode()
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"keeper/process.py") for word in words) and words[-2].startswith(wanted):
            found.append(int(path.parent.name))
    return found


def test_what_was_written_while_it_was_stopped_and_then_killed_is_answered_once_in_order(
    stand: Stand,
) -> None:
    stand.start()
    until(lambda: stand.status()["keeper"] == "process", "a keeper is there")
    (keeper,) = keepers(stand)
    os.mkfifo(stand.run / "in.gone", 0o600)
    until(lambda: _held(keeper) == 2, "the keeper holds both")
    assert stand.daemon is not None
    stand.daemon.send_signal(signal.SIGSTOP)
    for number in range(100):
        stand.write(f"m{number}")
    stand.write("from a door that is deleted", fifo="in.gone")
    (stand.run / "in.gone").unlink()
    stand.kill()
    assert keepers(stand) == [keeper]
    stand.start(wait=False)
    with stand.following(since=0, types=["turn"]) as events:
        answered: list[int] = []
        while len(answered) < 101:
            answered += events.until("turn")["message_ids"]
    assert answered == list(range(1, 102))
    taken = contents(stand)
    assert [text for text in taken if text.startswith("m")] == [f"m{number}" for number in range(100)]
    assert taken.count("from a door that is deleted") == 1
    assert keepers(stand) == [keeper]
    until(lambda: _held(keeper) == 1, "the deleted door is let go")
    assert stand.tmux("list-windows", "-a").count("\n") == 1


def _held(pid: int) -> int:
    return sum("/in" in str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir())


def test_kills_at_random_lose_and_double_nothing_of_what_two_writers_write(stand: Stand) -> None:
    stand.start()
    stand.ccmux("pause")
    until(lambda: stand.status()["keeper"] == "process", "a keeper is there")
    os.mkfifo(stand.run / "in.b", 0o600)
    chance = random.Random(7)
    rounds, lines_a_round = 5, 400
    lines, ended = rounds * lines_a_round, [0, 0]
    allowed = [threading.Semaphore(0), threading.Semaphore(0)]

    def write(which: int, fifo: str) -> None:
        with (stand.run / fifo).open("wb", buffering=0) as pipe:
            for number in range(lines):
                allowed[which].acquire()
                pipe.write(f"{which}:{number}:".encode().ljust(40 + number % 3_900, b"x") + b"\n")
                ended[which] = number + 1

    writers = [threading.Thread(target=write, args=pair) for pair in enumerate(("in", "in.b"))]
    for writer in writers:
        writer.start()
    for begun in range(0, 2 * lines, 2 * lines_a_round):
        for semaphore in allowed:
            semaphore.release(lines_a_round)
        goal = begun + chance.randrange(1, 2 * lines_a_round)
        while sum(ended) < goal:
            pass
        stand.kill()
        stand.start(wait=False)
    for writer in writers:
        writer.join()
    until(lambda: stand.status()["queue"]["queued"] >= 2 * lines, "all is taken")
    taken = [text.split(":")[:2] for text in contents(stand)]
    for which in ("0", "1"):
        assert [int(number) for who, number in taken if who == which] == list(range(lines))


def test_what_is_written_in_a_new_daemons_first_moment_outlives_it(stand: Stand) -> None:
    stand.start(wait=False)
    assert stand.daemon is not None
    until((stand.run / "in").exists, "there is a door")
    with (stand.run / "in").open("wb", buffering=0) as pipe:  # waits until it is opened
        (keeper,) = keepers(stand)
        until(lambda: _held(keeper) == 1, "it was told of the door at once")
        stand.daemon.send_signal(signal.SIGSTOP)
        pipe.write(b"the first line\n")
    stand.kill()
    stand.start(wait=False)
    until(lambda: contents(stand) == ["the first line"], "it is taken")


def test_what_was_written_outlives_daemon_and_tmux_together(stand: Stand) -> None:
    stand.start()
    (keeper,) = keepers(stand)
    assert stand.daemon is not None
    stand.daemon.send_signal(signal.SIGSTOP)
    stand.write("unread")
    stand.tmux("kill-server")
    stand.kill()
    stand.start()
    until(lambda: stand.status()["queue"]["answered"] == 1, "it is answered")
    assert contents(stand) == ["unread"]
    until(lambda: keepers(stand) == [keeper], "the keeper is the same")


def test_when_tmux_ends_the_keeper_gets_the_next_one_and_a_lost_one_is_replaced(stand: Stand) -> None:
    def found(times: int) -> Callable[[], bool]:
        return lambda: (stand.folder / "data/logs/stand.log").read_text().count("keeper found") == times

    stand.start()
    until(found(1), "a keeper is there")
    (first,) = keepers(stand)
    stand.tmux("kill-server")
    until(found(2), "it has a tmux again")
    until(lambda: keepers(stand) == [first], "it is the same, and who brought it a tmux has ended")
    os.kill(first, signal.SIGKILL)
    until(found(3), "another one")
    (second,) = keepers(stand)
    assert second != first
    until(lambda: _held(second) == 1, "it holds what the first one held")
    stand.until_state("idle")
    assert stand.tmux("display-message", "-p", "-t", stand.pane, "#{pane_in_mode}") == "0\n"
    stand.stop()
    assert len(keepers(stand)) == 1
    stand.tmux("kill-server")
    until(lambda: keepers(stand) == [], "it ends with tmux")


class FakeSystemd:
    """A service manager as far as its descriptor store goes: NOTIFY_SOCKET in, LISTEN_FDS out."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listening.bind(str(stand.folder / "notify"))
        self._listening.setblocking(False)
        self.stored: dict[str, int] = {}
        stand.environment |= {"NOTIFY_SOCKET": str(stand.folder / "notify"), "FDSTORE": "64"}

    def listen(self) -> set[str]:
        """Take what was sent and return the names of what is stored."""
        with suppress(BlockingIOError):
            while True:
                text, fds, _, _ = socket.recv_fds(self._listening, 4_096, 4)
                fields = dict(line.split("=", 1) for line in text.decode().splitlines())
                if "FDSTORE" in fields:
                    (self.stored[fields["FDNAME"]],) = fds
                elif "FDSTOREREMOVE" in fields:
                    os.close(self.stored.pop(fields["FDNAME"]))
        return {name.partition("~")[0] for name in self.stored}

    def start(self) -> None:
        """Start the daemon with what is stored, as systemd does: descriptors from 3 on, for its pid."""
        start = "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])"
        # Out of the way of the places they will have.
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in self.stored.values()]
        names = list(self.stored)
        given = {"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names)}
        place = "import os,sys\n" + "".join(f"os.dup2({fd}, {at})\n" for at, fd in enumerate(fds, start=3))
        self._stand.daemon = subprocess.Popen(
            [sys.executable, "-c", place + start, sys.executable, "-m", "ccmux"],
            cwd=self._stand.project,
            env=self._stand.environment | given,
            stdin=subprocess.DEVNULL,
            pass_fds=fds,
        )
        for fd in fds:
            os.close(fd)
        until(self._stand._answers, "the daemon answers")

    def close(self) -> None:
        self._listening.close()
        for fd in self.stored.values():
            os.close(fd)


def test_systemds_store_keeps_what_was_written_also_where_the_process_ends_too(stand: Stand) -> None:
    with closing(FakeSystemd(stand)) as systemd:
        stand.start()
        until(lambda: stand.status()["keeper"] == "systemd+process", "the process holds them, too")
        os.mkfifo(stand.run / "in.gone", 0o600)
        until(lambda: systemd.listen() == {"in", "in.gone"}, "both are stored")
        (keeper,) = keepers(stand)
        assert stand.daemon is not None
        stand.daemon.send_signal(signal.SIGSTOP)
        for number in range(3):
            stand.write(f"m{number}")
        stand.write("from a door that is deleted", fifo="in.gone")
        (stand.run / "in.gone").unlink()
        os.kill(keeper, signal.SIGKILL)
        stand.kill()
        systemd.start()
        until(lambda: stand.status()["queue"]["answered"] == 4, "all are answered")
        assert sorted(contents(stand)) == ["from a door that is deleted", "m0", "m1", "m2"]
        until(lambda: systemd.listen() == {"in"}, "the deleted door is let go")
        claude = Path(f"/proc/{stand.claude_pid}/fd")
        assert not [path for path in claude.iterdir() if "/in" in str(path.readlink())]
        stand.stop()
