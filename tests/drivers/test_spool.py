"""Files that appear in a folder are handed out once each, in the order of their names."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict

from ccmux.client import spool_message
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.spool import Spool
from ccmux.ports import FileChange, FileEvent


def with_spool(folder: Path, story: Callable[[Spool], Awaitable[None]]) -> list[EventDict]:
    async def run() -> None:
        events = InotifyFileEvents()
        try:
            with Spool(folder, events, max_file_bytes=1_000) as spool:
                await story(spool)
        finally:
            events.close()

    with capture_logs() as logs:
        asyncio.run(run())
    return list(logs)


def put(folder: Path, name: str, content: bytes = b"x") -> None:
    hidden = folder / f".{name}"
    hidden.write_bytes(content)
    hidden.rename(folder / name)


def test_what_is_there_comes_first_by_name_then_what_appears(tmp_path: Path) -> None:
    for name in ("3", "1", "2"):
        put(tmp_path, name, name.encode())
    os.utime(tmp_path / "1", (50.0, 60.5))

    async def story(spool: Spool) -> None:
        first = await spool.next()
        assert (first.name, first.content, first.written_at) == ("1", b"1", 60.5)
        assert [(await spool.next()).name for _ in range(2)] == ["2", "3"]
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(spool.next())
            await asyncio.sleep(0)
            put(tmp_path, "0", b"new")
        assert waiting.result().content == b"new"

    with_spool(tmp_path, story)


def test_a_message_of_a_client_arrives(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "spool"

    async def story(spool: Spool) -> None:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for number in range(3):
            spool_message(folder, {"content": str(number)})
        contents = [(await spool.next()).content for _ in range(3)]
        assert contents == [b'{"content":"0"}', b'{"content":"1"}', b'{"content":"2"}']

    with_spool(folder, story)


def test_who_comes_later_can_wait_for_what_is_there(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2")

    async def story(spool: Spool) -> None:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(spool.done_so_far())
            await asyncio.sleep(0)
            for name in ("1", "2"):
                assert (await spool.next()).name == name
                put(tmp_path, f"later-{name}")  # nobody waits for these
                await asyncio.sleep(0)
                assert not waiting.done()
                await (spool.remove if name == "1" else spool.set_aside)(name)

    with_spool(tmp_path, story)


def test_a_file_is_handed_out_once_and_again_after_a_crash_until_it_is_removed(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2")

    async def taken(spool: Spool) -> None:
        assert (await spool.next()).name == "1"
        await spool.remove("1")
        await spool.remove("1")
        assert (await spool.next()).name == "2"
        put(tmp_path, "3")
        assert (await spool.next()).name == "3"

    with_spool(tmp_path, taken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]

    async def again(spool: Spool) -> None:
        assert (await spool.next()).name == "2"

    with_spool(tmp_path, again)


def test_what_nobody_understands_is_kept_aside(tmp_path: Path) -> None:
    put(tmp_path, "1", b"?")

    async def story(spool: Spool) -> None:
        await spool.set_aside((await spool.next()).name)
        await spool.set_aside("gone")
        put(tmp_path, "1", b"the name again")
        assert (await spool.next()).content == b"the name again"

    with_spool(tmp_path, story)
    assert (tmp_path / "rejected" / "1").read_bytes() == b"?"
    assert stat.S_IMODE((tmp_path / "rejected").stat().st_mode) == 0o700


def test_what_is_no_plain_file_of_ours_is_set_aside_and_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    (folder / "1-link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "2-fifo")
    put(folder, "3-long", b"x" * 1_001)
    (folder / "4-folder").mkdir()
    (folder / ".5-being-written").touch()
    put(folder, "6-good")

    async def story(spool: Spool) -> None:
        assert (await spool.next()).name == "6-good"

    logs = with_spool(folder, story)
    assert [Path(entry["path"]).name for entry in logs] == ["1-link", "2-fifo", "3-long"]
    assert sorted(path.name for path in (folder / "rejected").iterdir()) == ["1-link", "2-fifo", "3-long"]


def test_a_file_that_vanished_before_it_was_read_is_passed_over(tmp_path: Path) -> None:
    async def story(spool: Spool) -> None:
        for name in "123":
            put(tmp_path, name)
        assert (await spool.next()).name == "1"
        (tmp_path / "2").unlink()
        assert (await spool.next()).name == "3"

    with_spool(tmp_path, story)


def test_the_folder_deleted_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "spool"

    async def story(spool: Spool) -> None:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(spool.next())
            await asyncio.sleep(0)
            shutil.rmtree(folder)
            while not folder.exists():  # noqa: ASYNC110 - the kernel's event comes through the loop
                await asyncio.sleep(0)
            put(folder, "1")
        assert waiting.result().name == "1"

    logs = with_spool(folder, story)
    assert [entry["event"] for entry in logs] == ["spool folder looked at again"]


def test_dropped_events_are_made_up_for_by_looking_again(tmp_path: Path) -> None:
    async def story(spool: Spool) -> None:
        spool._watch.close()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(spool.next())
            await asyncio.sleep(0)
            put(tmp_path, "1")
            spool._changed(FileEvent("", FileChange.OVERFLOWED))
        assert waiting.result().name == "1"

    with_spool(tmp_path, story)
