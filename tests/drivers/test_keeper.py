"""The keeper process, real: what it is given it holds, and whoever comes next gets it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from ccmux.drivers.keeper import ProcessKeeper
from ccmux.drivers.keeper import process as program


class Started:
    """Keepers of a folder; the other end of their standard output is ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        argv = [*ProcessKeeper(self.folder).argv, *arguments]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    folder = tmp_path / ("long" * 40)  # longer than a socket's address may be
    folder.mkdir(mode=0o700)
    made = Started(folder)
    yield made
    made.end()


def story(started: Started, told: Callable[[ProcessKeeper], Awaitable[None]]) -> None:
    async def run() -> None:
        keeper = ProcessKeeper(started.folder)
        try:
            async with asyncio.timeout(20):
                while not await keeper.connect():  # noqa: ASYNC110 - it has just been started
                    await asyncio.sleep(0.01)
                await told(keeper)
        finally:
            keeper.close()

    asyncio.run(run())


def fifo(path: Path) -> int:
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def read(fd: int) -> bytes:
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def test_what_is_kept_comes_back_with_its_bytes_also_when_its_path_is_deleted(
    started: Started, tmp_path: Path
) -> None:
    process = started.start()

    async def first(keeper: ProcessKeeper) -> None:
        assert keeper.kept() == []
        for name in ("in~1", "in.tg~2", "in.no~3"):
            fd = fifo(tmp_path / name)
            keeper.keep(name, fd)
            keeper.keep(name, fd)
            os.write(fd, name.encode())
            os.close(fd)
        keeper.drop("in.no~3")
        (tmp_path / "in.tg~2").unlink()

    async def second(keeper: ProcessKeeper) -> None:
        kept = dict(keeper.kept())
        assert not any(os.get_inheritable(fd) for fd in kept.values())
        assert {key: read(fd) for key, fd in kept.items()} == {"in~1": b"in~1", "in.tg~2": b"in.tg~2"}
        keeper.drop("in.tg~2")

    async def third(keeper: ProcessKeeper) -> None:
        ((key, fd),) = keeper.kept()
        assert key == "in~1"
        os.close(fd)

    for told in (first, second, third):
        story(started, told)
    assert process.poll() is None


def test_what_a_daemon_told_just_before_its_end_is_heard_before_the_next_one_is_welcomed(
    started: Started, tmp_path: Path
) -> None:
    process = started.start()

    async def last_words(keeper: ProcessKeeper) -> None:
        keeper.kept()
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        for name in ("in~1", "in.tg~2", "in.no~3"):
            fd = fifo(tmp_path / name)
            keeper.keep(name, fd)
            os.close(fd)

    story(started, last_words)
    folder = os.open(started.folder, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as next_one:
        next_one.settimeout(20)
        next_one.connect(f"/proc/self/fd/{folder}/{program.SOCKET}")
        process.send_signal(signal.SIGCONT)
        keys = []
        while (told := socket.recv_fds(next_one, program.KEY_BYTES, 1))[0] != b".":
            keys.append(told[0])
            os.close(told[1][0])
    os.close(folder)
    assert keys == [b"+in~1", b"+in.tg~2", b"+in.no~3"]


def test_a_second_one_ends_at_once(started: Started) -> None:
    async def connected(_keeper: ProcessKeeper) -> None:
        second = started.start()
        assert await asyncio.to_thread(second.wait, 10) == 0

    first = started.start()
    story(started, connected)
    assert first.poll() is None


def test_a_lost_one_is_noticed_and_the_next_is_told_all(started: Started, tmp_path: Path) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        fd = fifo(tmp_path / "in")
        keeper.kept()
        keeper.keep("in~1", fd)
        process.send_signal(signal.SIGKILL)
        await keeper.changed()
        assert not keeper.connected
        os.write(fd, b"x")
        os.close(fd)
        started.start()
        while not await keeper.connect():  # noqa: ASYNC110 - it has just been started
            await asyncio.sleep(0.01)

    async def again(keeper: ProcessKeeper) -> None:
        ((_, fd),) = keeper.kept()
        assert read(fd) == b"x"

    process = started.start()
    story(started, told)
    story(started, again)


def test_a_wake_up_without_a_word_is_not_its_end(started: Started) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        keeper._heard()  # as if the loop had been woken for nothing
        assert (keeper.connected, keeper.rooted) == (True, True)

    started.start()
    story(started, told)


def test_one_that_is_ended_is_gone_with_what_it_held(started: Started, tmp_path: Path) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        fd = fifo(tmp_path / "in")
        keeper.keep("in~1", fd)
        os.close(fd)
        reading = os.open(tmp_path / "in", os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(tmp_path / "in", os.O_WRONLY | os.O_NONBLOCK)
        os.close(reading)
        assert os.write(writing, b"x") == 1
        assert await keeper.end()
        assert not keeper.connected
        assert not await keeper.end()
        with pytest.raises(BrokenPipeError):
            os.write(writing, b"x")
        os.close(writing)

    process = started.start()
    story(started, told)
    assert process.wait(10) == -signal.SIGTERM


async def end_root(process: subprocess.Popen[bytes], keeper: ProcessKeeper) -> None:
    """Close the other end of its standard output, as tmux does when it ends."""
    assert keeper.rooted
    assert process.stdout is not None
    process.stdout.close()
    await keeper.changed()
    assert (keeper.connected, keeper.rooted) == (True, False)


def test_it_ends_with_what_started_it_once_no_daemon_is_there(started: Started, tmp_path: Path) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        fd = fifo(tmp_path / "in")
        keeper.keep("in~1", fd)
        os.close(fd)
        await end_root(process, keeper)

    process = started.start()
    story(started, told)
    assert process.wait(10) == 0
    assert list(started.folder.iterdir()) == [started.folder / "keeper.lock"]


def test_without_its_root_it_holds_what_is_unread_for_the_next_daemon(
    started: Started, tmp_path: Path
) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        for name in ("in", "in.tg"):
            fd = fifo(tmp_path / name)
            keeper.keep(f"{name}~1", fd)
            os.close(fd)
        mail = os.open(tmp_path / "in", os.O_WRONLY)
        os.write(mail, b"mail")
        os.close(mail)
        await end_root(process, keeper)

    async def again(keeper: ProcessKeeper) -> None:
        ((key, fd),) = keeper.kept()
        await keeper.changed()
        assert (key, read(fd)) == ("in~1", b"mail")

    process = started.start()
    story(started, told)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    story(started, again)
    assert process.wait(10) == 0


def test_a_second_one_gives_it_its_root_and_then_it_lives_as_long_as_that(
    started: Started, tmp_path: Path
) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        fd = fifo(tmp_path / "in")
        keeper.keep("in~1", fd)
        os.close(fd)
        await end_root(first, keeper)
        second = started.start()
        assert await asyncio.to_thread(second.wait, 10) == 0
        while not keeper.rooted:  # noqa: ASYNC110 - it comes by the socket
            await asyncio.sleep(0.01)

    async def again(keeper: ProcessKeeper) -> None:
        ((_, fd),) = keeper.kept()
        os.close(fd)
        await end_root(started.processes[1], keeper)

    first = started.start("50")
    story(started, told)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.3)
    story(started, again)
    assert first.wait(10) == 0


def test_without_its_root_it_ends_where_no_daemon_can_find_it(started: Started, tmp_path: Path) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        fd = fifo(tmp_path / "in")
        keeper.keep("in~1", fd)
        os.write(fd, b"mail")
        os.close(fd)
        await end_root(process, keeper)

    process = started.start()
    story(started, told)
    shutil.rmtree(started.folder)
    assert process.wait(10) == 0


def test_without_a_daemon_it_ends_once_every_fifo_is_deleted_and_empty(
    started: Started, tmp_path: Path
) -> None:
    async def told(keeper: ProcessKeeper) -> None:
        for name in ("in", "in.full"):
            fd = fifo(tmp_path / name)
            keeper.keep(name, fd)
            if name == "in.full":
                os.write(fd, b"mail")
            os.close(fd)
            (tmp_path / name).unlink()

    async def again(keeper: ProcessKeeper) -> None:
        ((key, fd),) = keeper.kept()
        assert (key, read(fd)) == ("in.full", b"mail")

    process = started.start("50")
    story(started, told)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    story(started, again)
    assert process.wait(10) == 0


def test_what_is_written_just_before_a_pipe_is_let_go_stays_and_later_writers_hear_it(
    tmp_path: Path,
) -> None:
    fd = fifo(tmp_path / "in")
    writer = os.open(tmp_path / "in", os.O_WRONLY)
    os.write(writer, b"just before")
    kept = program.closed_if_empty(fd)
    assert kept is not None
    assert os.read(kept, 100) == b"just before"
    assert program.closed_if_empty(kept) is None
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"later")
    os.close(writer)


def test_where_there_is_none_that_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        keeper = ProcessKeeper(tmp_path)
        assert not await keeper.connect()
        keeper.drop("unknown")
        keeper.close()

    asyncio.run(run())
