"""A file that grows is read by whole lines, wherever it comes from and however it is treated."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.tail import FileTail
from ccmux.ports import FileChange, FileEvent

Batch = Sequence[tuple[int, bytes]]


class Reader:
    """Reads one file; `rest` is everything up to the next end of the file."""

    def __init__(self, batches: AsyncIterator[Batch]) -> None:
        self._batches = batches

    async def rest(self) -> list[tuple[int, bytes]]:
        lines: list[tuple[int, bytes]] = []
        async for batch in self._batches:
            if not batch:
                return lines
            lines += batch
        raise AssertionError("a tail never ends")

    async def until(self, line: bytes) -> list[tuple[int, bytes]]:
        """Read on until this line was read; how many ends were seen on the way is the kernel's business."""
        lines: list[tuple[int, bytes]] = []
        async for batch in self._batches:
            lines += batch
            if any(text == line for _, text in lines):
                return lines
        raise AssertionError("a tail never ends")


def tailing(
    path: Path, story: Callable[[Reader], Awaitable[None]], *, offset: int = 0, **limits: int
) -> None:
    async def run() -> None:
        events = InotifyFileEvents()
        try:
            lines: Any = FileTail(events, **limits).lines(str(path), offset)
            async with aclosing(lines):
                await story(Reader(lines))
        finally:
            events.close()

    asyncio.run(run())


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_what_is_there_is_read_and_then_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\ntwo\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one"), (8, b"two")]
        append(path, "three\n")
        assert await reader.until(b"three") == [(14, b"three")]

    tailing(path, story)


def test_reading_begins_at_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\ntwo\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(8, b"two")]

    tailing(path, story, offset=4)


def test_a_half_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\ntw")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one")]
        append(path, "o\nthr")
        assert await reader.until(b"two") == [(8, b"two")]
        append(path, "ee\n")
        assert await reader.until(b"three") == [(14, b"three")]

    tailing(path, story)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 5, 1000])
def test_however_it_is_cut_the_lines_are_the_same(tmp_path: Path, chunk_bytes: int) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\n\nthree\nfour")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one"), (5, b""), (11, b"three")]

    tailing(path, story, chunk_bytes=chunk_bytes)


def test_a_file_that_is_not_there_yet_counts_as_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"

    async def story(reader: Reader) -> None:
        assert await reader.rest() == []
        path.write_text("one\n")
        assert await reader.until(b"one") == [(4, b"one")]

    tailing(path, story)


def test_folders_that_are_not_there_yet_are_waited_for_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "projects" / "house" / "t.jsonl"

    async def story(reader: Reader) -> None:
        assert await reader.rest() == []
        path.parent.parent.mkdir()
        assert await reader.rest() == []
        path.parent.mkdir()
        assert await reader.rest() == []
        path.write_text("one\n")
        assert await reader.until(b"one") == [(4, b"one")]

    tailing(path, story)


def test_a_file_in_a_folder_that_comes_all_at_once_is_read(tmp_path: Path) -> None:
    path = tmp_path / "projects" / "house" / "t.jsonl"
    ready = tmp_path / "ready"
    (ready / "house").mkdir(parents=True)
    (ready / "house" / "t.jsonl").write_text("one\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == []
        ready.rename(tmp_path / "projects")
        assert await reader.until(b"one") == [(4, b"one")]

    tailing(path, story)


class ByHand:
    """File events that the test tells; `refusals` first watches find their folder gone."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.tell: Callable[[FileEvent], None] = lambda _event: None

    @contextmanager
    def watch(self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]) -> Iterator[None]:
        if self.refusals:
            self.refusals -= 1
            raise FileNotFoundError(path)
        self.tell = callback
        yield


@pytest.mark.parametrize(
    ("event", "wakes"),
    [
        (FileEvent("t.jsonl", FileChange.WRITTEN), True),
        (FileEvent("other.jsonl", FileChange.WRITTEN), False),
        (FileEvent("", FileChange.SELF_GONE), True),
        (FileEvent("", FileChange.OVERFLOWED), True),
    ],
)
def test_only_news_of_the_file_wakes(tmp_path: Path, event: FileEvent, wakes: bool) -> None:
    async def story() -> None:
        events = ByHand(refusals=1)
        lines: Any = FileTail(events).lines(str(tmp_path / "t.jsonl"), 0)
        async with aclosing(lines), asyncio.TaskGroup() as group:
            reader = Reader(lines)
            assert await reader.rest() == []
            waiting = group.create_task(reader.rest())
            await asyncio.sleep(0)
            events.tell(event)
            for _ in range(5):
                await asyncio.sleep(0)
            assert waiting.done() == wakes
            waiting.cancel()

    asyncio.run(story())


def test_a_file_that_became_shorter_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\ntwo\nthr")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one"), (8, b"two")]
        path.write_text("new\n")
        assert await reader.until(b"new") == [(4, b"new")]

    tailing(path, story)


def test_a_file_shorter_than_the_offset_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one")]

    tailing(path, story, offset=100)


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\ntwo\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one"), (8, b"two")]
        (tmp_path / "new").write_text("three\nfour\nfive\n")
        (tmp_path / "new").rename(path)
        assert await reader.until(b"five") == [(6, b"three"), (11, b"four"), (16, b"five")]

    tailing(path, story)


def test_a_deleted_file_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one")]
        path.unlink()
        assert await reader.rest() == []
        path.write_text("two\n")
        assert await reader.until(b"two") == [(4, b"two")]

    tailing(path, story)


def test_a_deleted_folder_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "house" / "t.jsonl"
    path.parent.mkdir()
    path.write_text("one\n")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one")]
        shutil.rmtree(path.parent)
        assert await reader.rest() == []
        path.parent.mkdir()
        path.write_text("two\n")
        assert await reader.until(b"two") == [(4, b"two")]

    tailing(path, story)


def test_a_file_where_a_folder_should_be_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "house").write_text("a file")

    async def story(reader: Reader) -> None:
        assert await reader.rest() == []

    tailing(tmp_path / "house" / "t.jsonl", story)


def test_a_line_longer_than_the_limit_is_left_out_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\n" + "x" * 100 + "\ntwo\n" + "y" * 100)

    async def story(reader: Reader) -> None:
        assert await reader.rest() == [(4, b"one"), (109, b"two")]
        append(path, "y\nthree\n")
        assert await reader.until(b"three") == [(217, b"three")]

    tailing(path, story, chunk_bytes=10, max_line_bytes=20)


def test_the_file_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("one\n")
    before = set(Path("/proc/self/fd").iterdir())

    async def story(reader: Reader) -> None:
        await reader.rest()

    tailing(path, story)
    assert set(Path("/proc/self/fd").iterdir()) <= before
