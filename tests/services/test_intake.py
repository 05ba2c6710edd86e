"""From real FIFOs and a real spool folder to a store, without loss and without a word of text in the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ccmux.client import spool_message
from ccmux.core.errors import RuntimeDirUnsafe, StoreFailed
from ccmux.core.messages import Incoming, Rejected
from ccmux.core.observation import QueueGrew
from ccmux.core.settings import InputSettings
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.input_fifos import InputFifos
from ccmux.drivers.spool import Spool
from ccmux.ports import Store
from ccmux.services import intake
from ccmux.services.hub import Hub
from ccmux.services.intake import Intake
from tests.services.fakes import FakeClock, FakeMessageStore

PIPE_BYTES = 1 << 20


class House:
    """The service on real doors and a real spool, its store in memory."""

    def __init__(self, folder: Path) -> None:
        self.doors = folder / "run"
        self.spool = folder / "spool"
        self.landing = folder / "landing"
        self.store = FakeMessageStore()
        self.hub = Hub()
        self.ear = self.hub.listen(QueueGrew)
        self.unsafe = False
        self.keeper = asyncio.Event()
        self.keeper.set()

    async def keeper_is_there(self) -> None:
        await self.keeper.wait()

    def restore(self) -> None:
        if self.unsafe:
            raise RuntimeDirUnsafe(str(self.doors), "test", "none")
        self.doors.mkdir(mode=0o700, exist_ok=True)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Run the service, and end it as the daemon does: by cancelling it."""
        events = InotifyFileEvents()
        inputs = InputFifos(self.doors, events, restore=self.restore, landing=self.landing, quiet_s=0.02)
        with Spool(self.spool, events, max_file_bytes=10_000) as spool:
            service = Intake(
                inputs=inputs,
                spool=spool,
                store=cast(Store, self.store),
                sightings=self.hub,
                clock=FakeClock(1_000.0),
                settings=InputSettings(max_message_bytes=4_096),
                keeper_is_there=self.keeper_is_there,
                retry_first_s=0.001,
            )
            try:
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(service.run())
                    while self.keeper.is_set() and "in" not in inputs._doors:  # noqa: ASYNC110 - at once
                        await asyncio.sleep(0)
                    yield
                    task.cancel()
            finally:
                events.close()

    async def rows(self, count: int) -> list[Incoming | Rejected]:
        while len(self.store.rows) < count:
            await self.ear.next()
        return list(self.store.rows.values())


def in_house(folder: Path, story: Callable[[House], Awaitable[None]]) -> list[EventDict]:
    async def run() -> None:
        house = House(folder)
        async with house.living():
            await story(house)

    with capture_logs() as logs:
        asyncio.run(run())
    return list(logs)


def write(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)


def test_what_was_read_at_once_is_one_commit_and_told_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        write(house.doors / "in", b'secret\n{"content":"b","channel":"default.x","id":"k"}\n{"no"\n')
        plain, json, bad = await house.rows(3)
        assert isinstance(plain, Incoming)
        assert (plain.channel, plain.content) == ("default", "secret")
        assert plain.ts >= 1_000.0
        assert isinstance(json, Incoming)
        assert (json.channel, json.key) == ("default.x", "k")
        assert isinstance(bad, Rejected)
        assert bad.raw == b'{"no"'
        assert house.store.commits == [3]
        assert house.ear.drain() == []

    logs = in_house(tmp_path, story)
    taken = [entry for entry in logs if entry["event"] == "messages taken"]
    assert [(e["channel"], e["count"], e["content_chars"], e["message_id"]) for e in taken] == [
        ("default", 1, 6, 1),
        ("default.x", 1, 1, 2),
    ]
    (refused,) = [entry for entry in logs if entry["event"] == "lines refused"]
    assert (refused["channel"], refused["count"], refused["message_id"]) == ("default", 1, 3)
    assert refused["reason"].startswith("not valid JSON")
    assert "secret" not in str(logs)


def test_an_over_long_line_is_a_dead_letter_and_the_next_is_taken(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        write(house.doors / "in", b"x" * 5_000 + b"\nnext\n")
        long, following = await house.rows(2)
        assert long == Rejected(
            channel="default", raw=b"x" * 5_000, reason="5000 bytes; [input] max_message_bytes is 4096"
        )
        assert isinstance(following, Incoming)

    in_house(tmp_path, story)


def test_a_line_without_newline_is_not_glued_to_the_next_writers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        write(house.doors / "in", b"first")
        await house.rows(1)
        write(house.doors / "in", b"second\n")
        rows = await house.rows(2)
        assert [row.content for row in rows if isinstance(row, Incoming)] == ["first", "second"]

    in_house(tmp_path, story)


def test_before_there_is_a_keeper_no_door_is_open_and_what_was_sent_is_taken_all_the_same(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        house = House(tmp_path)
        house.keeper.clear()
        spool_message(house.spool, {"content": "sent"})
        async with house.living():
            await house.rows(1)
            with pytest.raises(OSError, match="No such device or address"):
                write(house.doors / "in", b"lost\n")
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread((house.doors / "in").write_bytes, b"waits\n"))
                house.keeper.set()
                rows = await house.rows(2)
        assert [row.content for row in rows if isinstance(row, Incoming)] == ["sent", "waits"]

    with capture_logs():
        asyncio.run(run())


def test_the_same_key_is_told_as_a_duplicate_and_wakes_nobody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        line = b'{"content":"a","id":"k"}\n'
        write(house.doors / "in", line)
        await house.rows(1)
        write(house.doors / "in", line)
        while len(house.store.commits) < 2:  # noqa: ASYNC110 - that nobody is told is what is tested
            await asyncio.sleep(0)
        assert len(house.store.rows) == 1
        assert house.ear.drain() == []

    logs = in_house(tmp_path, story)
    assert [e["duplicates"] for e in logs if e["event"] == "messages taken"] == [0, 1]


def test_what_is_skipped_is_told_once_for_all_without_its_text_and_wakes_nobody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        line = b'{"content":"secret","unless_waiting":"morning"}\n'
        write(house.doors / "in", line * 3 + b"other\n")
        await house.rows(2)
        write(house.doors / "in", line)
        await until(lambda: len(house.store.commits) == 2)
        assert house.ear.drain() == []
        house.store.proved.add(1)
        write(house.doors / "in", line)
        await house.rows(3)
        assert contents(house) == ["secret", "other", "secret"]

    logs = in_house(tmp_path, story)
    skipped = [entry for entry in logs if entry["event"] == "messages skipped"]
    assert [(e["channel"], e["count"], e["unless_waiting"], e["message_id"]) for e in skipped] == [
        ("default", 2, "morning", 1),
        ("default", 1, "morning", 1),
    ]
    assert [e["count"] for e in logs if e["event"] == "messages taken"] == [2, 1]
    assert "secret" not in str(logs)


def test_what_was_sent_while_no_daemon_ran_is_judged_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    for hour in range(3):
        spool_message(
            tmp_path / "spool", {"channel": "timer", "content": f"hour {hour}", "unless_waiting": "hourly"}
        )
    spool_message(tmp_path / "spool", {"channel": "timer", "content": "last"})

    async def story(house: House) -> None:
        await house.rows(2)
        assert contents(house) == ["hour 0", "last"]
        await until(lambda: not any(house.spool.iterdir()))

    logs = in_house(tmp_path, story)
    assert len([entry for entry in logs if entry["event"] == "messages skipped"]) == 2


def test_while_the_store_fails_nothing_is_read_or_lost_and_it_is_said_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.store.failing = True
        write(house.doors / "in", b"a\n")
        while house.store.failures < 3:  # noqa: ASYNC110 - a failing store tells nobody
            await asyncio.sleep(0)
        write(house.doors / "in", b"b\n")
        house.store.failing = False
        await house.rows(2)
        assert house.store.commits == [1, 1]

    logs = in_house(tmp_path, story)
    held = [e for e in logs if e["event"] == "intake held"]
    assert [(e["reason"], e["count"]) for e in held] == [("disk is full", 1)]
    assert [e["failures"] >= 3 for e in logs if e["event"] == "intake resumed"] == [True]


def contents(house: House) -> list[str]:
    return [row.content for row in house.store.rows.values() if isinstance(row, Incoming)]


def test_a_store_that_will_not_heal_ends_the_service_and_what_was_read_waits(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.store.failing, house.store.passes = True, False
        write(house.doors / "in", b"a\n")
        await asyncio.Event().wait()

    with pytest.RaisesGroup(StoreFailed, flatten_subgroups=True):
        in_house(tmp_path, story)


def test_of_a_line_that_never_ended_the_beginning_is_kept_and_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "DEAD_LINE_BYTES", 10_000)

    async def story(house: House) -> None:
        write(house.doors / "in", b"x" * 9_000 + b"\n" + b"y" * 50_000 + b"\nnext\n")
        kept, cut, _ = await house.rows(3)
        assert isinstance(kept, Rejected)
        assert isinstance(cut, Rejected)
        assert (len(kept.raw), kept.whole_bytes) == (9_000, None)
        assert (len(cut.raw), cut.whole_bytes) == (10_000, 50_000)

    in_house(tmp_path, story)


def test_when_it_is_ended_what_stands_in_the_pipes_is_taken_and_what_was_begun_waits(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def run() -> None:
        async with house.living():
            write(house.doors / "in", b"a\nb")
        assert contents(house) == ["a"]
        async with house.living():
            write(house.doors / "in", b"c\nd\n")
            await house.rows(3)
        assert contents(house) == ["a", "bc", "d"]
        assert list(house.landing.iterdir()) == []

    with capture_logs():
        asyncio.run(run())


def test_an_end_that_leaves_nothing_begun_leaves_no_landing(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def run() -> None:
        async with house.living():
            write(house.doors / "in", b"a\nb\n")

    with capture_logs():
        asyncio.run(run())
    assert contents(house) == ["a", "b"]
    assert list(house.landing.iterdir()) == []


def test_a_daemon_killed_before_the_commit_or_after_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)

    def landed() -> bytes:
        return (house.landing / "in").read_bytes() if (house.landing / "in").exists() else b""

    async def run() -> None:
        async with house.living():
            os.mkfifo(house.doors / "in.tg", 0o600)
            house.store.held = asyncio.Event()
            write(house.doors / "in", b"one\ntw")
            await house.store.begun.wait()
            before = landed()
            house.store.held.set()
            await house.rows(1)
            await until(lambda: house.store.read_to != {})
            after = landed()
        assert contents(house) == ["one"]
        assert before == after
        told = dict(house.store.read_to)
        for left, read_to, rows in ((before, {}, ["one", "two"]), (after, told, ["two"])):
            again = House(tmp_path)
            again.store.read_to = dict(read_to)
            (house.landing / "in").write_bytes(left)
            async with again.living():
                write(again.doors / "in", b"o\n")
                await again.rows(len(rows))
            assert contents(again) == rows

    with capture_logs():
        asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)


def test_a_commit_that_has_begun_is_seen_to_its_end_and_not_made_twice(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def run() -> None:
        house.store.held = asyncio.Event()
        async with house.living():
            write(house.doors / "in", b"a\n")
            await house.store.begun.wait()
            write(house.doors / "in", b"b\n")
            asyncio.get_running_loop().call_later(0.01, house.store.held.set)

    with capture_logs():
        asyncio.run(run())
    assert house.store.commits == [1, 1]


@pytest.mark.parametrize("recovers", [True, False])
def test_what_could_not_be_stored_before_the_end_is_tried_once_more_then_left_for_the_next_start(
    tmp_path: Path, *, recovers: bool
) -> None:
    house = House(tmp_path)

    async def run() -> None:
        house.store.held = asyncio.Event()
        house.store.failing = True
        async with house.living():
            write(house.doors / "in", b"a\n")
            await house.store.begun.wait()
            asyncio.get_running_loop().call_later(0.01, end)

    def end() -> None:
        assert house.store.held is not None
        house.store.held.set()
        if recovers:
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, succeed)

    def succeed() -> None:
        house.store.failing = False

    with capture_logs() as logs:
        asyncio.run(run())
    assert house.store.failures >= 1
    left = [e["count"] for e in logs if e["event"] == "intake ended early"]
    assert len(house.store.rows) + sum(left) == 1
    if not recovers:
        assert left == [1]
        house.store.failing = False

        async def again() -> None:
            async with house.living():
                await house.rows(1)

        with capture_logs():
            asyncio.run(again())
    assert contents(house) == ["a"]


def test_the_spool_is_taken_and_each_file_deleted_after_its_commit(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    spool_message(tmp_path / "spool", {"channel": "tg", "content": "before", "id": "k"})

    async def story(house: House) -> None:
        (first,) = await house.rows(1)
        assert isinstance(first, Incoming)
        assert (first.channel, first.content, first.key) == ("tg", "before", "k")
        path = spool_message(house.spool, {"content": "while it runs"})
        _, second = await house.rows(2)
        assert isinstance(second, Incoming)
        assert (second.channel, second.key) == ("default", f"spool:{path.name}")
        while any(house.spool.iterdir()):  # noqa: ASYNC110 - the file goes after the commit
            await asyncio.sleep(0)

    in_house(tmp_path, story)


def test_a_crash_between_commit_and_deletion_makes_no_second_message(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        path = spool_message(house.spool, {"content": "a"})
        await house.rows(1)
        while path.exists():  # noqa: ASYNC110 - the file goes after the commit
            await asyncio.sleep(0)
        path.with_name(".again").write_bytes(b'{"content":"a"}')
        path.with_name(".again").rename(path)
        while len(house.store.commits) < 2:  # noqa: ASYNC110 - a duplicate wakes nobody
            await asyncio.sleep(0)
        assert len(house.store.rows) == 1

    in_house(tmp_path, story)


def test_what_is_wrong_in_the_spool_is_a_dead_letter_and_does_not_stop_the_next(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        spool_message(house.spool, {"content": 5, "channel": "tg"})
        spool_message(house.spool, {"content": "good"})
        bad, good = await house.rows(2)
        assert isinstance(bad, Rejected)
        assert bad.reason == "content is not a string"
        assert isinstance(good, Incoming)

    in_house(tmp_path, story)


def test_a_runtime_directory_that_cannot_be_made_again_ends_the_service(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def run() -> None:
        async with house.living():
            house.unsafe = True
            (house.doors / "in").unlink()
            house.doors.rename(tmp_path / "away")
            await asyncio.Event().wait()

    with capture_logs(), pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    assert caught.group_contains(RuntimeDirUnsafe)
