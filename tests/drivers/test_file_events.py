"""The kernel's events reach everybody who asked for them, and nobody else."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import inotify_simple
import pytest

from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.ports import FileChange, FileEvent

APPEARED, VANISHED, WRITTEN = FileChange.APPEARED, FileChange.VANISHED, FileChange.WRITTEN
CLOSED, OPENED, SELF_GONE = FileChange.CLOSED, FileChange.OPENED, FileChange.SELF_GONE
ALL = APPEARED | VANISHED | WRITTEN | CLOSED | OPENED

Heard = asyncio.Queue[tuple[str, FileChange]]


def with_events(story: Callable[[InotifyFileEvents], Awaitable[None]]) -> None:
    async def run() -> None:
        events = InotifyFileEvents()
        try:
            await story(events)
        finally:
            events.close()
            events.close()

    asyncio.run(run())


def into(heard: Heard) -> Callable[[FileEvent], None]:
    return lambda event: heard.put_nowait((event.name, event.change))


async def expect(heard: Heard, *events: tuple[str, FileChange]) -> None:
    assert [await heard.get() for _ in events] == list(events)


def test_each_change_in_a_folder_is_told_by_its_name(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        heard: Heard = asyncio.Queue()
        with events.watch(str(tmp_path), ALL, into(heard)):
            (tmp_path / "a").write_text("x")
            await expect(heard, ("a", APPEARED), ("a", OPENED), ("a", WRITTEN), ("a", CLOSED))
            (tmp_path / "a").rename(tmp_path / "b")
            await expect(heard, ("a", VANISHED), ("b", APPEARED))
            (tmp_path / "b").unlink()
            (tmp_path / "sub").mkdir()
            await expect(heard, ("b", VANISHED), ("sub", APPEARED))

    with_events(story)


def test_a_watched_file_tells_with_an_empty_name(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        heard: Heard = asyncio.Queue()
        path = tmp_path / "a"
        path.touch()
        with events.watch(str(path), WRITTEN, into(heard)):
            path.write_text("x")
            await expect(heard, ("", WRITTEN))
            path.unlink()
            await expect(heard, ("", SELF_GONE))

    with_events(story)


def test_several_watch_one_path_and_each_hears_its_own(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        first: Heard = asyncio.Queue()
        second: Heard = asyncio.Queue()
        with events.watch(str(tmp_path), APPEARED, into(first)):
            with events.watch(str(tmp_path), VANISHED | CLOSED, into(second)):
                (tmp_path / "a").touch()
                (tmp_path / "a").unlink()
                await expect(first, ("a", APPEARED))
                await expect(second, ("a", CLOSED), ("a", VANISHED))
            (tmp_path / "b").touch()
            await expect(first, ("b", APPEARED))
            assert second.empty()
        assert events._watches == {}

    with_events(story)


def test_a_watch_that_ended_hears_nothing_and_can_be_made_again(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        old: Heard = asyncio.Queue()
        new: Heard = asyncio.Queue()
        with events.watch(str(tmp_path), APPEARED, into(old)):
            (tmp_path / "a").touch()
        with events.watch(str(tmp_path), APPEARED, into(new)):
            (tmp_path / "b").touch()
            await expect(new, ("b", APPEARED))
            assert old.empty()

    with_events(story)


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_the_end_of_the_path_is_told_once_to_all_and_ends_the_watch(tmp_path: Path, how: str) -> None:
    async def story(events: InotifyFileEvents) -> None:
        first: Heard = asyncio.Queue()
        second: Heard = asyncio.Queue()
        folder = tmp_path / "folder"
        folder.mkdir()
        with (
            events.watch(str(folder), APPEARED, into(first)),
            events.watch(str(folder), VANISHED, into(second)),
        ):
            if how == "deleted":
                shutil.rmtree(folder)
            else:
                folder.rename(tmp_path / "elsewhere")
            await expect(first, ("", SELF_GONE))
            await expect(second, ("", SELF_GONE))
            folder.mkdir()
            again: Heard = asyncio.Queue()
            with events.watch(str(folder), APPEARED, into(again)):
                (folder / "a").touch()
                await expect(again, ("a", APPEARED))
            assert first.empty()
            assert second.empty()

    with_events(story)


def test_an_overflow_is_told_to_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(events: InotifyFileEvents) -> None:
        first: Heard = asyncio.Queue()
        second: Heard = asyncio.Queue()
        other = tmp_path / "other"
        other.mkdir()
        overflow = inotify_simple.Event(-1, int(inotify_simple.flags.Q_OVERFLOW), 0, "")
        with (
            events.watch(str(tmp_path), APPEARED, into(first)),
            events.watch(str(other), APPEARED, into(second)),
        ):
            monkeypatch.setattr(events._kernel, "read", lambda timeout: [overflow])
            events._read()
            await expect(first, ("", FileChange.OVERFLOWED))
            await expect(second, ("", FileChange.OVERFLOWED))

    with_events(story)


def test_a_callback_may_end_its_own_watch_and_others(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        heard: Heard = asyncio.Queue()
        other = events.watch(str(tmp_path), APPEARED, into(heard))

        def end(event: FileEvent) -> None:
            other.__exit__(None, None, None)
            heard.put_nowait((event.name, event.change))

        with events.watch(str(tmp_path), APPEARED, end):
            other.__enter__()
            (tmp_path / "a").touch()
            await expect(heard, ("a", APPEARED))
            assert heard.empty()

    with_events(story)


def test_what_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        with (
            pytest.raises(FileNotFoundError) as caught,
            events.watch(str(tmp_path / "none"), APPEARED, print),
        ):
            pass
        assert caught.value.filename == str(tmp_path / "none")

    with_events(story)


def test_a_full_kernel_says_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(events: InotifyFileEvents) -> None:
        def full(path: str, mask: int) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(events._kernel, "add_watch", full)
        with (
            pytest.raises(OSError, match="max_user_watches"),
            events.watch(str(tmp_path), APPEARED, print),
        ):
            pass

    with_events(story)


def test_a_folders_end_is_told_also_where_a_bound_socket_keeps_the_kernel_silent(tmp_path: Path) -> None:
    async def story(events: InotifyFileEvents) -> None:
        heard: Heard = asyncio.Queue()
        folder = tmp_path / "run"
        folder.mkdir()
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(folder / "s"))
            with events.watch(str(folder), VANISHED, into(heard)):
                shutil.rmtree(folder)
                await expect(heard, ("s", VANISHED), ("", SELF_GONE))

    with_events(story)
