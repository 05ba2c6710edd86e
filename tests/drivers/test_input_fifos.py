"""Doors on a real file system: found however they come, read without loss, never what is not a door."""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
import os
import resource
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ccmux.core.errors import RuntimeDirUnsafe, StateDirUnsafe
from ccmux.core.framing import LineFramer, OverLong
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.input_fifos import PIPE_BYTES, InputFifos, doors
from ccmux.drivers.input_fifos import door as one_door
from ccmux.ports import FileChange, FileEvent, InputChunk, Keeper, ReadTo


class House:
    """The driver in a directory of its own; `lines` reads it as the daemon does."""

    def __init__(self, folder: Path, *, quiet_s: float, keeper: Keeper | None = None) -> None:
        self.folder = folder
        self.events = InotifyFileEvents()
        self.unsafe = False
        self.inputs = InputFifos(
            folder,
            self.events,
            restore=self.restore,
            landing=folder.with_name("landing"),
            keeper=keeper,
            quiet_s=quiet_s,
        )
        self.framers: dict[str, LineFramer] = {}

    def restore(self) -> None:
        if self.unsafe:
            raise RuntimeDirUnsafe(str(self.folder), "test", "none")
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def door(self, name: str, mode: int = 0o600) -> Path:
        path = self.folder / name
        os.mkfifo(path)
        path.chmod(mode)
        return path

    def cut(self, chunks: tuple[InputChunk, ...] | list[InputChunk]) -> list[tuple[str, bytes | OverLong]]:
        lines: list[tuple[str, bytes | OverLong]] = []
        for chunk in chunks:
            framer = self.framers.setdefault(chunk.door, LineFramer(1 << 20))
            whole = framer.feed(chunk.data)
            rest = framer.flush() if chunk.ended else None
            lines += [(chunk.channel, line) for line in [*whole, *([rest] if rest is not None else [])]]
        return lines

    async def lines(self, count: int) -> list[tuple[str, bytes | OverLong]]:
        lines: list[tuple[str, bytes | OverLong]] = []
        while len(lines) < count:
            chunks = list(await self.inputs.next())
            lines += self.cut(chunks)
            self.inputs.done(chunks)
        return lines


def in_house(folder: Path, story: Callable[[House], Awaitable[None]], *, quiet_s: float = 60.0) -> None:
    async def run() -> None:
        house = House(folder / "run", quiet_s=quiet_s)
        try:
            with house.inputs.opened():
                await story(house)
        finally:
            house.events.close()

    with capture_logs():
        asyncio.run(run())


def write(path: Path, data: bytes) -> None:
    """Write as `printf > FIFO` does; there is a reader, so opening returns at once."""
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the kernel's event comes through the loop, nobody tells us
            await asyncio.sleep(0)


async def until_open(house: House, name: str) -> None:
    await until(lambda: name in house.inputs._doors)


def test_in_is_made_private_and_feeds_the_default_channel(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.folder / "in"
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        write(path, b"a\nb\n")
        assert await house.lines(2) == [("default", b"a"), ("default", b"b")]

    in_house(tmp_path, story)


def test_doors_of_before_are_found_and_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    path = tmp_path / "run" / "in.tg"
    os.mkfifo(path)
    path.chmod(0o644)

    async def story(house: House) -> None:
        write(path, b"a\n")
        assert await house.lines(1) == [("tg", b"a")]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        fd = house.inputs._doors["in.tg"].fd
        assert fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) == PIPE_BYTES
        assert not os.get_inheritable(fd)

    in_house(tmp_path, story)


def test_a_new_door_is_found_also_when_it_is_renamed_into_place(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = house.door("in.made")
        house.door("tmp").rename(house.folder / "in.moved")
        await until_open(house, "in.moved")
        write(made, b"a\n")
        write(house.folder / "in.moved", b"b\n")
        assert sorted(await house.lines(2)) == [("made", b"a"), ("moved", b"b")]
        (house.folder / "in.moved").rename(house.folder / "in.again")
        await until_open(house, "in.again")
        assert "in.moved" not in house.inputs._doors

    in_house(tmp_path, story)


def test_a_deleted_door_is_read_to_its_end_and_found_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.door("in.tg")
        await until_open(house, "in.tg")
        write(path, b"whole\nhal")
        path.unlink()
        house.door("in.tg")
        assert await house.lines(2) == [("tg", b"whole"), ("tg", b"hal")]
        await until_open(house, "in.tg")
        write(path, b"f\n")
        assert await house.lines(1) == [("tg", b"f")]

    in_house(tmp_path, story)


def test_a_door_replaced_in_one_step_is_told_by_its_inode(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.door("in.tg")
        await until_open(house, "in.tg")
        old = house.inputs._doors["in.tg"]
        house.door("new").rename(path)
        await until(lambda: house.inputs._doors.get("in.tg") is not old)
        write(path, b"a\n")
        assert await house.lines(1) == [("tg", b"a")]

    in_house(tmp_path, story)


def test_in_is_made_again_when_it_is_deleted(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.folder / "in"
        old = house.inputs._doors["in"]
        path.unlink()
        await until(lambda: house.inputs._doors.get("in", old) is not old)
        write(path, b"a\n")
        assert await house.lines(1) == [("default", b"a")]

    in_house(tmp_path, story)


def test_the_directory_deleted_under_us_is_made_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.door("in.tg")
        await until_open(house, "in.tg")
        old = house.inputs._doors["in"]
        write(house.folder / "in.tg", b"last\n")
        shutil.rmtree(house.folder)
        assert await house.lines(1) == [("tg", b"last")]
        await until(lambda: house.inputs._doors.get("in", old) is not old)
        house.door("in.wa")
        await until_open(house, "in.wa")
        assert sorted(house.inputs._doors) == ["in", "in.wa"]
        write(house.folder / "in", b"a\n")
        assert await house.lines(1) == [("default", b"a")]

    in_house(tmp_path, story)


def test_a_directory_that_cannot_be_made_again_is_raised_where_the_service_waits(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.unsafe = True
        shutil.rmtree(house.folder)
        await until(lambda: house.inputs._broken is not None)
        with pytest.raises(RuntimeDirUnsafe):
            await house.inputs.next()

    in_house(tmp_path, story)


def test_dropped_events_are_made_up_for_by_looking_at_everything(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.door("in.gone")
        await until_open(house, "in.gone")
        kept = house.inputs._doors["in"]
        house.inputs._watch.close()
        (house.folder / "in.gone").unlink()
        house.door("in.new")
        house.inputs._changed(FileEvent("", FileChange.OVERFLOWED))
        assert sorted(house.inputs._doors) == ["in", "in.new"]
        assert house.inputs._doors["in"] is kept

    in_house(tmp_path, story)


def test_what_is_no_door_of_ours_is_refused_once_and_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    (folder / "in.file").write_text("x")
    (folder / "in.link").symlink_to(folder / "in")
    (folder / "in.bad channel").touch()
    (folder / "out.tg").touch()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "in.socket"))
    if os.geteuid() == 0:
        os.mkfifo(folder / "in.foreign")
        os.chown(folder / "in.foreign", 12345, 12345)

    async def run() -> None:
        house = House(folder, quiet_s=60)
        with house.inputs.opened():
            assert list(house.inputs._doors) == ["in"]
            house.inputs._changed(FileEvent("", FileChange.OVERFLOWED))
            (folder / "in.file").unlink()
            house.door("in.file")
            await until_open(house, "in.file")
        house.events.close()

    with capture_logs() as logs, listening:
        asyncio.run(run())
    refused = {Path(e["path"]).name: e["reason"] for e in logs if e["event"] == "input refused"}
    expected = {
        "in.file": "no FIFO; remove it and use mkfifo",
        "in.link": "a symbolic link; make a FIFO there",
        "in.bad channel": "no channel's name: letters, digits, _ . and -, at most 64",
        "in.socket": "no FIFO; remove it and use mkfifo",
    }
    if os.geteuid() == 0:
        expected["in.foreign"] = "belongs to user 12345"
    assert refused == expected
    assert sum(e["event"] == "input refused" for e in logs) == len(expected)
    assert (folder / "in.link").is_symlink()


def test_what_was_swapped_between_looking_and_opening_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        fifo = house.door("in.tg").lstat()
        (house.folder / "in.tg").unlink()
        (house.folder / "in.tg").touch()
        house.inputs._open("in.tg", "tg", fifo)
        (house.folder / "in.tg").unlink()
        house.inputs._open("in.tg", "tg", fifo)
        assert "in.tg" not in house.inputs._doors

    in_house(tmp_path, story)


def test_a_line_without_its_newline_is_whole_once_its_writer_is_gone_and_it_is_quiet(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.folder / "in"
        for text in (b"first", b"second"):
            write(path, text)
            assert await house.lines(1) == [("default", text)]
        write(path, b"third")
        chunks = list(await house.inputs.next())
        assert house.cut(chunks) == []
        house.inputs._doors["in"]._quiet()  # it is not on disk yet: the line stays open
        assert house.inputs._ready == []
        house.inputs.done(chunks)
        assert await house.lines(1) == [("default", b"third")]

    in_house(tmp_path, story, quiet_s=0.02)


def test_a_writer_that_stays_may_take_its_time_within_a_line(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        fd = os.open(house.folder / "in", os.O_WRONLY | os.O_NONBLOCK)
        os.write(fd, b"slow")
        chunks = list(await house.inputs.next())
        assert house.cut(chunks) == []
        house.inputs.done(chunks)
        assert house.inputs._doors["in"].timer is None
        os.write(fd, b"ly\n")
        assert await house.lines(1) == [("default", b"slowly")]
        os.close(fd)

    in_house(tmp_path, story, quiet_s=0.0)


def test_a_door_is_not_read_again_before_its_chunk_is_done(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path, other = house.folder / "in", house.door("in.tg")
        await until_open(house, "in.tg")
        write(path, b"a\n")
        first = list(await house.inputs.next())
        write(path, b"b\n")
        write(other, b"c\n")
        second = list(await house.inputs.next())
        assert [chunk.data for chunk in [*first, *second]] == [b"a\n", b"c\n"]
        house.inputs.done(first)
        assert [chunk.data for chunk in await house.inputs.next()] == [b"b\n"]

    in_house(tmp_path, story)


def test_what_stands_in_the_pipes_at_the_end_is_handed_out(tmp_path: Path) -> None:
    async def run() -> None:
        house = House(tmp_path / "run", quiet_s=60)
        with house.inputs.opened():
            write(house.folder / "in", b"a\nb")
            assert house.cut(list(house.inputs.rest())) == [("default", b"a")]
            assert house.inputs.rest() == []
        house.events.close()

    with capture_logs():
        asyncio.run(run())


def test_what_comes_between_the_last_read_and_the_close_is_handed_out_and_then_writers_hear_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [b"late\n", b"later\n"]
    writer, real = -1, one_door.drained

    def drained(*args: Any, **more: Any) -> tuple[bytes, bool]:
        data, is_all = real(*args, **more)
        if late:
            os.write(writer, late.pop(0))
        return data, is_all

    async def run() -> None:
        nonlocal writer
        house = House(tmp_path / "run", quiet_s=60)
        with house.inputs.opened():
            writer = os.open(house.folder / "in", os.O_WRONLY | os.O_NONBLOCK)
            os.write(writer, b"in time\n")
            lines = house.cut(list(house.inputs.rest()))
            assert [line for _, line in lines] == [b"in time", b"late", b"later"]
            with pytest.raises(BrokenPipeError):
                os.write(writer, b"too late\n")
        os.close(writer)
        house.events.close()

    monkeypatch.setattr(one_door, "drained", drained)
    with capture_logs():
        asyncio.run(run())


def test_where_no_descriptor_is_left_at_the_end_every_pipe_is_read_out_all_the_same(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def story(house: House) -> None:
        paths = [house.folder / "in", house.door("in.tg")]
        await until_open(house, "in.tg")
        for path in paths:
            write(path, b"a\n")
        await house.lines(2)
        for path in paths:
            write(path, b"last\n")
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
        try:
            rest = list(house.inputs.rest())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert sorted(house.cut(rest)) == [("default", b"last"), ("tg", b"last")]

    in_house(tmp_path, story)


def test_an_end_comes_also_where_somebody_else_reads_and_a_writer_never_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, real = -1, one_door.drained

    def drained(*args: Any, **more: Any) -> tuple[bytes, bool]:
        data, is_all = real(*args, **more)
        os.write(held, b"more\n")
        return data, is_all

    async def run() -> None:
        nonlocal held
        house = House(tmp_path / "run", quiet_s=60)
        with house.inputs.opened():
            held = os.open(house.folder / "in", os.O_RDWR | os.O_NONBLOCK)
            assert len(house.cut(list(house.inputs.rest()))) == one_door.LAST_LOOKS - 1
            assert os.read(held, 100) == b"more\n"
        os.close(held)
        house.events.close()

    monkeypatch.setattr(one_door, "drained", drained)
    with capture_logs():
        asyncio.run(run())


# ------------------------------------------------------------------------------- over the daemon's end


class FakeKeeper:
    """Holds descriptors in this process."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.dropped: list[str] = []

    def kept(self) -> list[tuple[str, int]]:
        return [(key, os.dup(fd)) for key, fd in self.held.items()]

    def keep(self, key: str, fd: int) -> None:
        if key not in self.held:
            self.held[key] = os.dup(fd)

    def drop(self, key: str) -> None:
        self.dropped.append(key.partition("~")[0])
        os.close(self.held.pop(key))


@contextmanager
def kept() -> Iterator[FakeKeeper]:
    keeper = FakeKeeper()
    yield keeper
    for fd in keeper.held.values():
        os.close(fd)


def killed(house: House) -> None:
    """End the driver as kill -9 does: descriptors close, nothing else happens."""
    for door in house.inputs._doors.values():
        asyncio.get_running_loop().remove_reader(door.fd)
        os.close(door.fd)
    house.inputs._doors.clear()
    house.inputs._landings.clear()


def lives(folder: Path, keeper: FakeKeeper, *stories: Callable[[House], Awaitable[None]]) -> list[EventDict]:
    """Run one daemon after the other, each killed at its story's end but the last."""

    async def run() -> None:
        for story in stories:
            house = House(folder / "run", quiet_s=0.02, keeper=keeper)
            try:
                with house.inputs.opened():
                    await story(house)
                    if story is not stories[-1]:
                        killed(house)
            finally:
                house.events.close()

    with capture_logs() as logs:
        asyncio.run(run())
    return list(logs)


def test_what_was_read_and_what_stands_in_the_pipe_come_in_order_after_a_kill(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        write(house.folder / "in", b"read\nha")
        await house.inputs.next()
        write(house.folder / "in", b"lf\nunread\nbeg")

    async def second(house: House) -> None:
        assert await house.lines(4) == [("default", line) for line in (b"read", b"half", b"unread", b"beg")]
        write(house.folder / "in", b"new\n")
        assert await house.lines(1) == [("default", b"new")]

    with kept() as keeper:
        lives(tmp_path, keeper, first, second)
        assert list((tmp_path / "landing").iterdir()) == []


def test_a_door_deleted_or_replaced_while_no_daemon_was_there_is_read_to_its_end(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        for name in ("in.gone", "in.new"):
            house.door(name)
            await until_open(house, name)
            write(house.folder / name, b"read be")
            await house.inputs.next()
            write(house.folder / name, b"fore\nbegun")
            (house.folder / name).unlink()
        house.door("in.new")

    async def second(house: House) -> None:
        write(house.folder / "in.new", b"after\n")
        lines = await house.lines(5)
        assert [line for channel, line in lines if channel == "gone"] == [b"read before", b"begun"]
        assert [line for channel, line in lines if channel == "new"] == [b"read before", b"begun", b"after"]

    with kept() as keeper:
        lives(tmp_path, keeper, first, second)
        assert sorted(keeper.dropped) == ["in.gone", "in.new"]
        assert sorted(key.partition("~")[0] for key in keeper.held) == ["in", "in.new"]


def test_what_was_begun_at_a_door_that_is_no_more_has_ended_also_without_a_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first(house: House) -> None:
        path = house.door("in.tg")
        await until_open(house, "in.tg")
        write(path, b"begun")
        await house.inputs.next()
        path.unlink()

    async def second(house: House) -> None:
        assert await house.lines(1) == [("tg", b"begun")]

    with kept() as keeper:
        monkeypatch.setattr(keeper, "keep", lambda _key, _fd: None)
        lives(tmp_path, keeper, first, second)


def test_what_was_begun_at_a_replaced_door_is_not_glued_to_the_new_ones_after_a_kill(tmp_path: Path) -> None:
    async def first(house: House) -> None:
        path = house.door("in.tg")
        await until_open(house, "in.tg")
        write(path, b"begun")
        old = house.inputs._doors["in.tg"]
        house.door("new").rename(path)
        await until(lambda: house.inputs._doors.get("in.tg") not in {None, old})
        await house.inputs.next()
        write(path, b"new\n")
        await house.inputs.next()

    async def second(house: House) -> None:
        assert await house.lines(2) == [("tg", b"begun"), ("tg", b"new")]

    with kept() as keeper:
        lives(tmp_path, keeper, first, second)


def test_what_is_done_is_not_handed_out_again(tmp_path: Path) -> None:
    told: dict[str, ReadTo] = {}

    async def run() -> None:
        house = House(tmp_path / "run", quiet_s=60)
        with house.inputs.opened():
            write(house.folder / "in", b"a\nb\nbeg")
            (chunk,) = await house.inputs.next()
            told["in"] = ReadTo(chunk.stream, 4)
            killed(house)
        house.events.close()
        house = House(tmp_path / "run", quiet_s=0.02)
        with house.inputs.opened(told):
            assert await house.lines(1) == [("default", b"beg")]
        house.events.close()

    with capture_logs():
        asyncio.run(run())


def test_while_the_disk_is_full_the_bytes_wait_in_the_pipe_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_door, "RETRY_S", 0.001)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def story(house: House) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
        try:
            write(house.folder / "in", b"a\n")
            held = house.inputs._doors["in"]
            await until(lambda: held.held)
            first = held.retry
            await until(lambda: held.retry is not first)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert await house.lines(1) == [("default", b"a")]
        assert not held.held

    with kept() as keeper:
        logs = lives(tmp_path, keeper, story)
    assert [entry["event"] for entry in logs].count("input held") == 1


def test_a_landing_that_cannot_be_made_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("")
    with kept() as keeper, pytest.raises(StateDirUnsafe, match="landing"):
        lives(tmp_path, keeper, House.lines)  # type: ignore[arg-type]


def _write_many(path: str, writer: int) -> None:
    fd = os.open(path, os.O_WRONLY)
    for number in range(60):
        size = 40 + (number * 67 + writer * 13) % 3_960
        os.write(fd, f"{writer}:{number}:".encode().ljust(size, b"x") + b"\n")
    os.close(fd)


def test_five_writers_of_sixty_messages_up_to_4000_bytes_arrive_intact_and_in_order(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = str(house.folder / "in")
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write_many, args=(path, writer)) for writer in range(5)]
        for writer in writers:
            writer.start()
        got = [line for _, line in await house.lines(300)]
        for writer in writers:
            await asyncio.to_thread(writer.join)
        per_writer: dict[int, list[int]] = {writer: [] for writer in range(5)}
        for line in got:
            assert isinstance(line, bytes)
            who, number, rest = line.split(b":")
            assert set(rest) <= {ord("x")}
            per_writer[int(who)].append(int(number))
        assert all(numbers == list(range(60)) for numbers in per_writer.values())

    in_house(tmp_path, story)


def test_more_than_a_pipe_holds_goes_through_and_ends_whole(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = house.folder / "in"
        line = b"y" * 999 + b"\n"
        data = line * 3_000 + b"end"
        await_write = asyncio.to_thread(_blocking_write, path, data)
        async with asyncio.TaskGroup() as group:
            group.create_task(await_write)
            got = await house.lines(3_001)
        assert got[-1] == ("default", b"end")
        assert {line for _, line in got[:-1]} == {b"y" * 999}

    in_house(tmp_path, story, quiet_s=0.05)


def _blocking_write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


SIZES = {
    "nothing": ([], 0),
    "all fit": ([3, 3, 4], 3),
    "some fit": ([6, 4, 1], 2),
    "one too large": ([11, 1], 1),
}


@pytest.mark.parametrize(("sizes", "count"), SIZES.values(), ids=SIZES)
def test_one_commits_worth_is_handed_out_at_once(
    sizes: list[int], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "HANDED_BYTES", 10)
    assert doors._fitting([InputChunk("in", "default", b"x" * size) for size in sizes]) == count
