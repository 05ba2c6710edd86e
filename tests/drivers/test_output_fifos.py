from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from ccmux.core.outgoing import Outgoing, line
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.output_fifos import OutputFifos
from ccmux.ports import FileChange, FileEvent, OutputChange

ADDED, REMOVED, READER = OutputChange.ADDED, OutputChange.REMOVED, OutputChange.READER
PIPE_BYTES = 65536


class House:
    """The driver under test in a folder of its own, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.files = InotifyFileEvents()
        self.fifos = OutputFifos(folder, self.files)
        self.told: asyncio.Queue[tuple[str, OutputChange]] = asyncio.Queue()

    def make(self, channel: str) -> Path:
        path = self.folder / f"out.{channel}"
        os.mkfifo(path, 0o600)
        return path

    async def hears(self, *changes: tuple[str, OutputChange]) -> None:
        """Our own first opening of a FIFO may be told as READER where somebody reads already."""
        for change in changes:
            while await self.told.get() != change:
                assert self.told.qsize() < 100

    async def next(self) -> tuple[str, OutputChange]:
        return await self.told.get()


def story(folder: Path, act: Callable[[House], Awaitable[None]]) -> None:
    async def main() -> None:
        house = House(folder)
        async with asyncio.timeout(20):
            with house.fifos.watch(lambda channel, change: house.told.put_nowait((channel, change))):
                await act(house)
        house.files.close()
        assert house.fifos.channels() == frozenset()

    asyncio.run(main())


def open_to_read(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def read_until(
    path: Path, count: int, into: list[bytes], at_start: Callable[[], None] = lambda: None
) -> None:
    """As a reader of the plainest kind: blocks in open and in read."""
    with path.open("rb", buffering=0) as end:
        got = b""
        while len(got) < count:
            got += end.read(PIPE_BYTES)
        into.append(got)


def test_fifos_are_found_lost_and_found_again(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        assert await house.next() == ("first", ADDED)
        house.make("chat")
        assert await house.next() == ("chat", ADDED)
        assert house.fifos.channels() == {"first", "chat"}
        (tmp_path / "out.chat").unlink()
        assert await house.next() == ("chat", REMOVED)
        assert house.fifos.channels() == {"first"}
        house.make("chat")
        assert await house.next() == ("chat", ADDED)

    os.mkfifo(tmp_path / "out.first")
    story(tmp_path, act)


def test_a_fifo_moved_into_place_counts_and_one_moved_over_another_is_another(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        os.mkfifo(tmp_path / "making")
        (tmp_path / "making").rename(tmp_path / "out.chat")
        assert await house.next() == ("chat", ADDED)
        os.mkfifo(tmp_path / "making")
        (tmp_path / "making").rename(tmp_path / "out.chat")
        assert await house.next() == ("chat", REMOVED)
        assert await house.next() == ("chat", ADDED)
        end = open_to_read(tmp_path / "out.chat")
        assert await house.fifos.write_line("chat", b"x\n")
        assert os.read(end, 10) == b"x\n"
        os.close(end)
        (tmp_path / "out.chat").rename(tmp_path / "away")
        await house.hears(("chat", REMOVED))

    story(tmp_path, act)


def test_what_the_kernel_lost_is_looked_for(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        house.fifos._changed(FileEvent("", FileChange.OVERFLOWED))
        house.make("chat")
        house.fifos._changed(FileEvent("", FileChange.OVERFLOWED))
        assert house.told.get_nowait() == ("chat", ADDED)
        shutil.rmtree(tmp_path)
        house.fifos._changed(FileEvent("", FileChange.SELF_GONE))
        assert house.told.get_nowait() == ("chat", REMOVED)

    story(tmp_path, act)


def test_a_directory_that_is_made_again_is_watched_again(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        house.make("chat")
        await house.hears(("chat", ADDED))
        shutil.rmtree(house.folder)
        await house.hears(("chat", REMOVED))
        house.folder.mkdir()
        house.make("chat")
        await house.hears(("chat", ADDED))

    story(tmp_path / "run", act)


def make_file(path: Path) -> None:
    path.write_bytes(b"mine")


def make_link(path: Path) -> None:
    os.mkfifo(path.with_name("real"))
    path.symlink_to("real")


def make_dead_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_folder(path: Path) -> None:
    path.mkdir()


def make_somebody_elses(path: Path) -> None:
    os.mkfifo(path)
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_file, "no FIFO; remove it and use mkfifo"),
        (make_folder, "no FIFO; remove it and use mkfifo"),
        (make_link, "a symbolic link; make a FIFO there"),
        (make_dead_link, "a symbolic link; make a FIFO there"),
        pytest.param(
            make_somebody_elses,
            "belongs to user 65534",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away"),
        ),
    ],
)
def test_what_is_no_fifo_of_ours_is_refused_and_logged_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    async def act(house: House) -> None:
        house.fifos._changed(FileEvent("", FileChange.OVERFLOWED))
        assert house.fifos.channels() == frozenset()
        assert not house.fifos.has_reader("chat")
        assert not await house.fifos.write_line("chat", b"x\n")

    make(tmp_path / "out.chat")
    with capture_logs() as logs:
        story(tmp_path, act)
    assert logs == [{"event": "output refused", "channel": "chat", "reason": reason, "log_level": "warning"}]
    if make is make_file:
        assert (tmp_path / "out.chat").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["out.", "out.-x", "out.a b", "out", "in.x", "out.x\n", "out." + "x" * 65])
def test_a_name_that_is_no_channels_is_passed_over(tmp_path: Path, name: str) -> None:
    async def act(house: House) -> None:
        os.mkfifo(tmp_path / name)
        house.make("last")
        assert await house.next() == ("last", ADDED)

    story(tmp_path, act)


def test_a_readers_coming_is_told_and_its_leaving_is_known(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        path = house.make("chat")
        await house.hears(("chat", ADDED))
        assert not house.fifos.has_reader("chat")
        end = open_to_read(path)
        await house.hears(("chat", READER))
        assert house.fifos.has_reader("chat")
        os.close(end)
        assert not house.fifos.has_reader("chat")
        end = os.open(path, os.O_RDONLY)  # the plainest reader: it must not block, for we hold the other end
        await house.hears(("chat", READER))
        os.close(end)

    story(tmp_path, act)


def test_a_reader_that_waits_in_open_is_let_in_and_seen(tmp_path: Path) -> None:
    got: list[bytes] = []
    os.mkfifo(tmp_path / "out.chat")
    reader = threading.Thread(target=read_until, args=(tmp_path / "out.chat", 2, got))
    reader.start()

    async def act(house: House) -> None:
        while not await house.fifos.write_line("chat", b"x\n"):
            await house.hears(("chat", READER))
        await asyncio.to_thread(reader.join)

    story(tmp_path, act)
    assert got == [b"x\n"]


def test_with_nobody_there_nothing_goes_into_the_pipe(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        path = house.make("chat")
        await house.hears(("chat", ADDED))
        assert not await house.fifos.write_line("chat", b"lost\n")
        end = open_to_read(path)
        with pytest.raises(BlockingIOError):  # neither a byte nor the end of the file
            os.read(end, 10)
        os.close(end)

    story(tmp_path, act)


def test_a_big_line_arrives_byte_for_byte(tmp_path: Path) -> None:
    text = 'zwölf 🦉 "quoted"\n\ttab\x00\u2028 ' * 12_000
    data = line(Outgoing(id=1, key=None, ts=1.0, channel="chat", message=text, session="s"))
    assert len(data) > 300_000
    assert data.count(b"\n") == 1
    got: list[bytes] = []
    path = tmp_path / "out.chat"
    os.mkfifo(path)
    reader = threading.Thread(target=read_until, args=(path, 2 * len(data), got))
    reader.start()

    async def act(house: House) -> None:
        while not house.fifos.has_reader("chat"):
            await house.hears(("chat", READER))
        assert await house.fifos.write_line("chat", data)
        assert await house.fifos.write_line("chat", data)
        await asyncio.to_thread(reader.join)

    story(tmp_path, act)
    assert got == [data + data]
    assert msgspec.json.decode(got[0].splitlines()[0])["message"] == text


def test_a_reader_that_leaves_midway_costs_nothing_the_next_one_gets_the_line_whole(tmp_path: Path) -> None:
    data = b"x" * (3 * PIPE_BYTES) + b"\n"

    async def act(house: House) -> None:
        path = house.make("chat")
        await house.hears(("chat", ADDED))
        end = open_to_read(path)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(house.fifos.write_line("chat", data))
            await asyncio.sleep(0)  # the pipe is full now
            assert os.read(end, 10) == b"x" * 10
            os.close(end)
        assert writing.result() is False
        reader.start()
        await house.hears(("chat", READER), ("chat", READER))
        assert await house.fifos.write_line("chat", data)
        await asyncio.to_thread(reader.join)

    got: list[bytes] = []
    reader = threading.Thread(target=read_until, args=(tmp_path / "out.chat", len(data), got))
    story(tmp_path, act)
    assert got == [data]


def test_behind_a_piece_that_a_reader_may_have_seen_the_next_line_begins_on_a_line_of_its_own(
    tmp_path: Path,
) -> None:
    async def act(house: House) -> None:
        path = house.make("chat")
        await house.hears(("chat", ADDED))
        end = open_to_read(path)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(house.fifos.write_line("chat", b"x" * (2 * PIPE_BYTES) + b"\n"))
            await asyncio.sleep(0)
            writing.cancel()
        piece = os.read(end, 4 * PIPE_BYTES)
        assert await house.fifos.write_line("chat", b"whole\n")
        assert await house.fifos.write_line("chat", b"again\n")
        assert os.read(end, 4 * PIPE_BYTES) == b"\nwhole\nagain\n"
        assert set(piece) == {ord("x")}
        os.close(end)

    story(tmp_path, act)


def test_a_slow_reader_holds_up_nobody_else(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        slow, quick = (open_to_read(house.make(name)) for name in ("slow", "quick"))
        await house.hears(("quick", ADDED))
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(house.fifos.write_line("slow", b"x" * (2 * PIPE_BYTES)))
            await asyncio.sleep(0)
            assert await house.fifos.write_line("quick", b"here\n")
            assert os.read(quick, 10) == b"here\n"
            assert not writing.done()
            os.read(slow, PIPE_BYTES)
        assert writing.result()
        os.close(slow)
        os.close(quick)

    story(tmp_path, act)


def test_a_fifo_that_is_removed_under_a_writer_ends_the_writing(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        path = house.make("chat")
        await house.hears(("chat", ADDED))
        end = open_to_read(path)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(house.fifos.write_line("chat", b"x" * (2 * PIPE_BYTES)))
            await asyncio.sleep(0)
            path.unlink()
        assert writing.result() is False
        assert len(os.read(end, 2 * PIPE_BYTES)) == PIPE_BYTES
        assert os.read(end, 10) == b""  # and to that reader it is the end of the file
        os.close(end)

    story(tmp_path, act)


def test_nothing_stays_open(tmp_path: Path) -> None:
    async def act(house: House) -> None:
        house.make("chat")
        await house.hears(("chat", ADDED))

    before = len(list(Path("/proc/self/fd").iterdir()))
    story(tmp_path, act)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
