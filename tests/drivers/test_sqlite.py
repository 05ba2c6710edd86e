"""The database on a real file: what is committed, in which order it is told, and what survives a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccmux.core.continuation import CONTINUATIONS_MAX, CUT, continuation_of
from ccmux.core.errors import StoreFailed
from ccmux.core.events import Draft, Event, EventType
from ccmux.core.ledger import TypedBatch
from ccmux.core.messages import FOLLOWS, UNPROVED_STATES, Incoming, MessageState, Rejected
from ccmux.drivers.sqlite import MIGRATIONS, SqliteStore, events, read_ledger
from ccmux.drivers.sqlite import thread as sqlite_thread
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.intake import take_in
from ccmux.drivers.sqlite.messages import move
from ccmux.ports import ExpectedPrompt, FinishedTurn, HostedSession, ReadTo, Taken

NOW = 1_700_000_000.0


class StillClock:
    """Wall time that moves only when told to."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts, UTC)

    def hhmm(self, ts: float) -> str:
        return self.local(ts).strftime("%H:%M")


class Desk:
    """An open store with what it told."""

    def __init__(self, store: SqliteStore, clock: StillClock, told: list[Event]) -> None:
        self.store = store
        self.clock = clock
        self.told = told

    def lines(self, *types: str) -> list[dict[str, Any]]:
        decoded = [msgspec.json.decode(event.line) for event in self.told]
        return [line for line in decoded if not types or line["type"] in types]


@asynccontextmanager
async def desk(path: Path) -> AsyncIterator[Desk]:
    clock, told = StillClock(), list[Event]()
    store = await SqliteStore.open(path, session="demo", clock=clock, on_events=told.extend)
    try:
        yield Desk(store, clock, told)
        await asyncio.sleep(0)  # the events of the last commit are on the loop's list
    finally:
        await store.close()


def run(path: Path, story: Callable[[Desk], Awaitable[None]]) -> None:
    async def told() -> None:
        async with desk(path / "ccmux.db") as opened:
            await story(opened)

    asyncio.run(told())


def said(content: str, *, channel: str = "tg", key: str | None = None) -> Incoming:
    return Incoming(channel=channel, content=content, ts=NOW, key=key)


def test_a_batch_is_taken_in_order_with_one_event_each(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        taken = await d.store.take_in(
            [said("one"), Rejected(channel="tg", raw=b"\xff", reason="not UTF-8"), said("two", key="k")]
        )
        await asyncio.sleep(0)

        assert taken == [Taken(1), Taken(2), Taken(3)]
        assert [m.content for m in await d.store.waiting(10)] == ["one", "two"]
        assert [(e["seq"], e["id"], e["state"], e["reason"]) for e in d.lines("message")] == [
            (1, 1, "queued", ""),
            (2, 2, "dead", "not UTF-8"),
            (3, 3, "queued", ""),
        ]

    run(tmp_path, story)


def test_everything_of_a_message_is_kept(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        sent = Incoming(
            channel="wa", content="hé\n", ts=NOW - 5, key="k", meta={"a": [1]}, attachments=("/tmp/a b",)
        )
        await d.store.take_in([sent])

        [kept] = await d.store.message("k")
        assert (kept.channel, kept.content, kept.ts, kept.key) == ("wa", "hé\n", NOW - 5, "k")
        assert (kept.meta, kept.attachments, kept.state) == ({"a": [1]}, ("/tmp/a b",), MessageState.QUEUED)
        assert await d.store.message("1") == [kept]
        assert await d.store.message(str(2**70)) == []

    run(tmp_path, story)


def test_a_key_is_taken_once_on_a_channel_also_within_a_batch_and_after_a_restart(tmp_path: Path) -> None:
    async def first(d: Desk) -> None:
        assert await d.store.take_in([said("a", key="k"), said("b", key="k")]) == [Taken(1), Taken(1, True)]
        assert await d.store.take_in([said("c", channel="other", key="k")]) == [Taken(2)]

    async def second(d: Desk) -> None:
        assert await d.store.take_in([said("d", key="k")]) == [Taken(1, True)]
        assert [m.content for m in await d.store.waiting(10)] == ["a", "c"]

    run(tmp_path, first)
    run(tmp_path, second)


def test_how_far_a_door_was_read_is_committed_with_its_messages_or_not_at_all(tmp_path: Path) -> None:
    async def first(d: Desk) -> None:
        assert await d.store.doors_read_to() == {}
        await d.store.take_in([said("a")], read_to={"in": ReadTo("run", 2), "in.tg": ReadTo("other", 9)})
        await d.store.take_in([said("b")])
        await d.store.take_in([said("c")], read_to={"in": ReadTo("run", 6)})
        with pytest.raises(AttributeError):
            await d.store.take_in([cast("Incoming", object())], read_to={"in": ReadTo("run", 8)})

    async def second(d: Desk) -> None:
        assert await d.store.doors_read_to() == {"in": ReadTo("run", 6), "in.tg": ReadTo("other", 9)}

    run(tmp_path, first)
    run(tmp_path, second)


def test_seq_grows_by_one_over_restarts_and_forgetting(tmp_path: Path) -> None:
    async def first(d: Desk) -> None:
        await d.store.take_in([said("a"), said("b")])
        d.clock.at += 90 * 86_400
        await d.store.forget(events_days=30, keys_days=7)
        assert [e.seq for e in await d.store.events_since(0, (), 10)] == [2]

    async def second(d: Desk) -> None:
        await d.store.record(Draft(type=EventType.STATE, fields={"state": "idle", "hold": None}))
        assert [e.seq for e in await d.store.events_since(0, (), 10)] == [2, 3]
        assert [e.seq for e in await d.store.events_since(0, [EventType.STATE], 10)] == [3]
        assert await d.store.last_seq() == 3

    run(tmp_path, first)
    run(tmp_path, second)


def test_much_that_is_old_is_forgotten_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FORGOTTEN_AT_ONCE", 3)

    async def story(d: Desk) -> None:
        await d.store.take_in([said(f"old {n}", key=f"k{n}") for n in range(7)])
        d.clock.at += 90 * 86_400
        await d.store.take_in([said("young", key="young")])
        left = []
        while await d.store.forget(events_days=30, keys_days=7):
            left.append([e.seq for e in await d.store.events_since(0, (), 10)])
        assert left == [[4, 5, 6, 7, 8], [7, 8]]
        assert [e.seq for e in await d.store.events_since(0, (), 10)] == [8]
        taken = await d.store.take_in([said("again", key=f"k{n}") for n in range(7)])
        assert [one.duplicate for one in taken] == [False] * 7
        assert (await d.store.take_in([said("again", key="young")]))[0].duplicate

    run(tmp_path, story)


def test_a_forgotten_key_may_be_taken_again(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("a", key="k")])
        d.clock.at += 8 * 86_400
        await d.store.forget(events_days=30, keys_days=7)
        assert await d.store.take_in([said("b", key="k")]) == [Taken(2)]

    run(tmp_path, story)


async def typed(d: Desk) -> None:
    await d.store.take_in([said("one"), said("two"), said("three")])
    await d.store.begin_typing((1, 2), lead="L", body="B")


def test_what_is_about_to_be_typed_is_on_disk_first(tmp_path: Path) -> None:
    run(tmp_path, typed)

    async def after_the_crash(d: Desk) -> None:
        assert await d.store.expected() == [
            ExpectedPrompt(ids=(1, 2), lead="L", body="B", typed_at=NOW, submitted=False)
        ]
        assert [m.id for m in await d.store.waiting(10)] == [3]
        await d.store.move((1, 2), MessageState.SUBMITTED, prompt_id="p")
        assert [e.submitted for e in await d.store.expected()] == [True]
        await d.store.move((1, 2), MessageState.STARTED, prompt_id="p")
        assert await d.store.expected() == []

    run(tmp_path, after_the_crash)


def test_a_slower_witness_never_moves_a_message_back(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await typed(d)
        await d.store.move((1, 2), MessageState.STARTED, prompt_id="p")
        await d.store.move((1, 2), MessageState.SUBMITTED, prompt_id="p")
        await d.store.move((1, 2), MessageState.STARTED, prompt_id="p")

        states = [e["state"] for e in d.lines("message") if e["id"] == 1]
        assert states == ["queued", "typing", "started"]

    run(tmp_path, story)


def turn(prompt_id: str, **fields: Any) -> FinishedTurn:
    return FinishedTurn(
        session_id="s",
        prompt_id=prompt_id,
        resume_offset=99,
        fields={"turn": [], "outcome": "finished"} | fields,
    )


def test_a_turn_is_published_once_and_answers_its_messages(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await typed(d)
        await d.store.host(HostedSession(session_id="s", transcript_path="/t", spoken=False, offset=0))
        await d.store.move((1, 2), MessageState.STARTED, prompt_id="p")

        assert await d.store.finish_turn(turn("p", turn=[{"type": "text", "text": "hi"}]))
        assert not await d.store.finish_turn(turn("p", turn=[{"type": "text", "text": "again"}]))
        await asyncio.sleep(0)

        [event] = d.lines("turn")
        assert event["message_ids"] == [1, 2]
        assert event["prompt_id"] == "p"
        assert event["turn"] == [{"type": "text", "text": "hi"}]
        assert [m.state for m in await d.store.messages()] == ["queued", "answered", "answered"]
        hosted = await d.store.hosted()
        assert hosted == HostedSession(session_id="s", transcript_path="/t", spoken=True, offset=99)
        counts = await d.store.counts()
        assert {state: count for state, count in counts.items() if count} == {"queued": 1, "answered": 2}
        assert set(counts) == set(MessageState)

    run(tmp_path, story)


def test_how_things_stand_is_what_each_question_by_itself_is_answered(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        before = await d.store.standing()
        assert (before.hosted, before.out, before.last_seq, before.last_turn_at) == (None, {}, 0, None)
        await d.store.take_in([said("one"), said("two")])
        await d.store.host(HostedSession(session_id="s", transcript_path="/t", spoken=False, offset=0))
        await d.store.put_out("mail", "hi", key=None, ts=NOW)
        await d.store.finish_turn(turn("p"))
        stands = await d.store.standing()
        assert stands.hosted == await d.store.hosted()
        assert stands.queue == await d.store.counts()
        assert stands.out == await d.store.out_waiting() == {"mail": 1}
        assert stands.last_seq == await d.store.last_seq() == 3
        assert stands.last_turn_at == NOW

    run(tmp_path, story)


def test_when_the_last_turn_ended_is_told_also_after_a_restart(tmp_path: Path) -> None:
    async def first(d: Desk) -> None:
        assert (await d.store.standing()).last_turn_at is None
        d.clock.at = NOW + 7
        await d.store.finish_turn(turn("p"))
        d.clock.at = NOW + 5
        await d.store.finish_turn(turn("q"))

    async def second(d: Desk) -> None:
        assert (await d.store.standing()).last_turn_at == NOW + 7
        [plan] = d.store._connection.db.execute(
            "EXPLAIN QUERY PLAN SELECT max(ended_at) FROM turn"
        ).fetchall()
        assert "INDEX turn_ended" in plan[-1]

    run(tmp_path, first)
    run(tmp_path, second)


def test_a_messages_coming_is_told_by_our_own_clock_whatever_becomes_of_it(tmp_path: Path) -> None:
    async def first(d: Desk) -> None:
        await d.store.take_in([Incoming(channel="tg", content="a", ts=5.0), said("never typed")])
        for state in (MessageState.UNCERTAIN, MessageState.DEAD):
            d.clock.at += 60
            await d.store.begin_typing([1], lead="", body="B")
            d.clock.at += 60
            await d.store.move([1], state)
            assert [m.taken_at for m in await d.store.message("1")] == [NOW]
        await d.store.revive(1, None)

    async def second(d: Desk) -> None:
        assert [m.taken_at for m in await d.store.messages()] == [NOW, NOW]

    run(tmp_path, first)
    run(tmp_path, second)


def test_an_outgoing_message_waits_until_it_is_delivered_once(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        assert await d.store.put_out("tg", "a", key="k", ts=NOW) == Taken(1)
        assert await d.store.put_out("tg", "a", key="k", ts=NOW) == Taken(1, True)
        assert await d.store.put_out("tg", "b", key=None, ts=NOW) == Taken(2)
        assert await d.store.out_waiting() == {"tg": 2}
        first = await d.store.next_out("tg")
        assert first is not None
        assert (first.id, first.message, first.session) == (1, "a", "demo")
        await d.store.delivered(1)
        await d.store.delivered(1)
        await d.store.delivered(2)
        assert await d.store.next_out("tg") is None
        await asyncio.sleep(0)
        assert [(e["event"], e["id"]) for e in d.lines("channel")] == [("delivered", "k"), ("delivered", "2")]

    run(tmp_path, story)


def test_a_pause_outlives_the_daemon(tmp_path: Path) -> None:
    async def on(d: Desk) -> None:
        assert not await d.store.paused()
        await d.store.pause(on=True)

    async def off(d: Desk) -> None:
        assert await d.store.paused()
        await d.store.pause(on=False)
        assert not await d.store.paused()

    run(tmp_path, on)
    run(tmp_path, off)


def test_the_file_is_the_owners_alone_and_survives_a_power_cut(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        path = tmp_path / "ccmux.db"
        assert path.stat().st_mode & 0o777 == 0o600
        assert d.store._connection.one("PRAGMA synchronous") == 2
        [mode] = d.store._connection.db.execute("PRAGMA journal_mode").fetchone()
        assert mode == "wal"

    run(tmp_path, story)


def test_a_failed_commit_loses_nothing_it_promised_and_tells_nothing(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("a")])
        d.store._connection.db.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreFailed, match="writable"):
            await d.store.take_in([said("b")])
        d.store._connection.db.execute("PRAGMA query_only = OFF")
        assert await d.store.take_in([said("b")]) == [Taken(2)]
        await asyncio.sleep(0)
        assert [e["seq"] for e in d.lines()] == [1, 2]

    run(tmp_path, story)


def test_a_newer_database_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 999")
    newer.close()

    with pytest.raises(StoreFailed, match="a newer ccmux wrote it"):
        run(tmp_path, _nothing)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"
    path.write_bytes(b"garbage" * 1000)

    with pytest.raises(StoreFailed, match="move it aside"):
        run(tmp_path, _nothing)

    assert path.read_bytes() == b"garbage" * 1000


async def _nothing(_: Desk) -> None: ...


def test_events_are_told_in_the_order_of_their_numbers_however_many_write(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        async with asyncio.TaskGroup() as group:
            for n in range(50):
                group.create_task(d.store.take_in([said(str(n))]), name=f"writer-{n}")
        await asyncio.sleep(0)
        assert [e.seq for e in d.told] == list(range(1, 51))

    run(tmp_path, story)


def test_told_events_are_the_logged_ones(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("a"), said("b")])
        logged: Sequence[Event] = await d.store.events_since(0, (), 10)
        await asyncio.sleep(0)
        assert logged == d.told

    run(tmp_path, story)


def test_what_is_asked_at_every_step_never_walks_through_all_messages(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        asked: list[str] = []
        d.store._connection.db.set_trace_callback(asked.append)
        await d.store.waiting(20)
        await d.store.in_flight()
        await d.store.expected()
        await d.store.counts()
        d.store._connection.db.set_trace_callback(None)
        assert len(asked) >= 6
        for sql in asked:
            for *_, step in d.store._connection.db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall():
                few = "INDEX message_" in step or step.startswith("SCAN continued")
                walks = step.startswith("SCAN") and not few
                assert not walks, (sql, step)
                assert "message_batch" not in step, (sql, step)

    run(tmp_path, story)


def test_a_database_of_the_first_schema_keeps_its_messages(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"
    with sqlite3.connect(path) as old:
        old.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1;")
        old.execute(
            "INSERT INTO message (id, channel, content, ts, meta, attachments, state, prompt_id, changed_at)"
            " VALUES (7, 'tg', 'hello', 5.0, '{}', '[]', 'answered', 'p', 6.0)"
        )
        old.execute("INSERT INTO turn VALUES ('s0', 'p', 'finished', 6.0)")
        old.execute("INSERT INTO hosted VALUES (1, 's1', '/t', 1, 0)")
    old.close()

    async def story(d: Desk) -> None:
        [kept] = await d.store.message("7")
        assert (kept.content, kept.state, kept.prompt_id) == ("hello", "answered", "p")
        assert kept.taken_at == 6.0
        assert await d.store.take_in([said("next")]) == [Taken(8)]

    run(tmp_path, story)


def test_more_rows_than_one_statement_takes_come_in_whole_and_in_order(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        taken = await d.store.take_in([said(str(n)) for n in range(1_103)])
        assert [one.id for one in taken] == list(range(1, 1_104))
        assert [m.content for m in await d.store.waiting(2_000)] == [str(n) for n in range(1_103)]
        assert [e.seq for e in await d.store.events_since(0, (), 2_000)] == list(range(1, 1_104))

    run(tmp_path, story)


# ----------------------------------------------------------------------------------------- unless_waiting


def named(name: str | None, *, channel: str = "timer", key: str | None = None) -> Incoming:
    return Incoming(channel=channel, content="hi", ts=NOW, key=key, unless_waiting=name)


async def taken(d: Desk, *batch: Incoming | Rejected) -> list[Taken]:
    return await d.store.take_in(batch)


def test_a_named_message_is_skipped_while_the_last_one_waits_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    async def first(d: Desk) -> None:
        assert await taken(d, said("before"), named("morning"), named("morning"), said("after")) == [
            Taken(1),
            Taken(2),
            Taken(2, skipped=True),
            Taken(3),
        ]
        assert await taken(d, named("morning")) == [Taken(2, skipped=True)]
        await asyncio.sleep(0)
        assert [(e["seq"], e["id"]) for e in d.lines()] == [(1, 1), (2, 2), (3, 3)]

    async def second(d: Desk) -> None:
        assert await taken(d, named("morning"), named("evening")) == [Taken(2, skipped=True), Taken(4)]
        assert await taken(d, named("morning", channel="other")) == [Taken(5)]
        assert [m.id for m in await d.store.waiting(10)] == [1, 2, 3, 4, 5]

    run(tmp_path, first)
    run(tmp_path, second)


@pytest.mark.parametrize("state", list(MessageState))
def test_a_message_waits_until_it_is_proved_or_given_up(tmp_path: Path, state: MessageState) -> None:
    async def story(d: Desk) -> None:
        await taken(d, named("n"))
        if state is not MessageState.QUEUED:
            await d.store.begin_typing([1], lead="", body="B")
        if state is MessageState.ANSWERED:
            await d.store.move([1], MessageState.STARTED)
        await d.store.move([1], state)
        waits = state in UNPROVED_STATES
        assert await taken(d, named("n")) == [Taken(1, skipped=True) if waits else Taken(2)]

    run(tmp_path, story)


def test_a_message_that_is_queued_again_waits_again(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await taken(d, named("n"))
        await d.store.begin_typing([1], lead="", body="B")
        await d.store.move([1], MessageState.SUBMITTED)
        await d.store.move([1], MessageState.QUEUED, reason="Claude died before writing it")
        assert await taken(d, named("n")) == [Taken(1, skipped=True)]

    run(tmp_path, story)


def test_a_key_that_was_taken_is_a_duplicate_and_a_skip_takes_none(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        assert await taken(d, named("n", key="a"), named("n", key="a"), named("n", key="b")) == [
            Taken(1),
            Taken(1, duplicate=True),
            Taken(1, skipped=True),
        ]
        assert await taken(d, named("n", key="a")) == [Taken(1, duplicate=True)]
        assert await taken(d, named("n", key="b")) == [Taken(1, skipped=True)]
        await d.store.begin_typing([1], lead="", body="B")
        await d.store.move([1], MessageState.STARTED)
        assert await taken(d, named("n", key="a"), named("n", key="b"), named("n", key="b")) == [
            Taken(1, duplicate=True),
            Taken(2),
            Taken(2, duplicate=True),
        ]
        assert await taken(d, named(None, key="b")) == [Taken(2, duplicate=True)]

    run(tmp_path, story)


def test_a_dead_letter_tried_again_is_never_skipped_and_waits_under_its_name(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        line = Rejected(channel="timer", raw=b"{", reason="not JSON")
        await taken(d, named("n"), line)
        await d.store.move([1], MessageState.DEAD)
        assert await taken(d, named("n")) == [Taken(3)]
        assert await d.store.revive(1, None) == Taken(1)
        assert await d.store.revive(2, named("n")) == Taken(2)
        for waiting, first in (((1, 2, 3), 1), ((2, 3), 2), ((3,), 3)):
            assert [m.id for m in await d.store.waiting(10)] == list(waiting)
            assert await taken(d, named("n")) == [Taken(first, skipped=True)]
            await d.store.begin_typing([first], lead="", body="B")
            await d.store.move([first], MessageState.SUBMITTED)
        assert await taken(d, named("n")) == [Taken(4)]

    run(tmp_path, story)


def test_of_writers_at_once_one_is_taken(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        answers = await asyncio.gather(*(taken(d, named("n")) for _ in range(50)))
        assert answers.count([Taken(1)]) == 1
        assert answers.count([Taken(1, skipped=True)]) == 49

    run(tmp_path, story)


def test_a_commit_that_fails_leaves_no_name_behind(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        with pytest.raises(AttributeError):
            await taken(d, named("n"), cast("Incoming", object()))
        assert await taken(d, named("n")) == [Taken(1)]

    run(tmp_path, story)


def test_what_waits_is_found_without_walking_through_the_messages(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        asked: list[str] = []
        d.store._connection.db.set_trace_callback(asked.append)
        await taken(d, named("n", key="k"))
        d.store._connection.db.set_trace_callback(None)
        [sql] = [sql for sql in asked if sql.startswith("SELECT min(id)")]
        [plan] = d.store._connection.db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        assert "USING INDEX message_unproved (channel=? AND unless_waiting=?)" in plan[-1]

    run(tmp_path, story)


NAMED = st.builds(
    named,
    st.sampled_from([None, "a", "b"]),
    channel=st.sampled_from(["x", "y"]),
    key=st.sampled_from([None, None, "k", "l"]),
)
MOVE = st.tuples(st.integers(1, 8), st.sampled_from(MessageState))


class Model:
    """What must be so, by the words of the rule alone."""

    def __init__(self) -> None:
        self.rows: list[Incoming] = []
        self.states: list[MessageState] = []

    def take(self, one: Incoming) -> Taken:
        rows = list(enumerate(zip(self.rows, self.states, strict=True), start=1))
        for number, (row, _) in rows:
            if one.key is not None and (row.channel, row.key) == (one.channel, one.key):
                return Taken(number, duplicate=True)
        for number, (row, state) in rows:
            is_alike = (row.channel, row.unless_waiting) == (one.channel, one.unless_waiting)
            if one.unless_waiting is not None and is_alike and state in UNPROVED_STATES:
                return Taken(number, skipped=True)
        self.rows.append(one)
        self.states.append(MessageState.QUEUED)
        return Taken(len(self.rows))

    def move(self, number: int, state: MessageState) -> None:
        if number <= len(self.rows) and state in FOLLOWS[self.states[number - 1]]:
            self.states[number - 1] = state


@settings(max_examples=60)
@given(st.lists(st.lists(NAMED, min_size=1, max_size=4) | MOVE | st.just(None), max_size=25))
def test_whatever_comes_in_whatever_order_the_rule_holds(
    steps: list[list[Incoming] | tuple[int, MessageState] | None],
) -> None:
    """A list is a batch, a pair moves a message, None closes the database and opens it again."""
    model = Model()
    with TemporaryDirectory() as folder:

        def opened() -> Connection:
            path = Path(folder) / "ccmux.db"
            return Connection(path, session="demo", clock=StillClock(), committed=lambda _: None)

        connection = opened()
        try:
            for step in steps:
                if step is None:
                    connection.db.close()
                    connection = opened()
                elif isinstance(step, tuple):
                    number, state = step
                    model.move(number, state)
                    move(connection, [number], state, reason="", prompt_id=None)
                else:
                    assert take_in(connection, step, read_to={}) == [model.take(one) for one in step]
        finally:
            connection.db.close()


# ------------------------------------------------------------------------------------------ dead letters


async def three_dead(d: Desk) -> None:
    await d.store.take_in(
        [
            Rejected(channel="tg", raw=b'{"content": "\xff"}', reason="not valid UTF-8: byte 0xff"),
            Rejected(channel="in", raw=b"x" * 10, reason="too long", whole_bytes=99),
            said("given up", key="k"),
            said("alive"),
        ]
    )
    await d.store.begin_typing([3], lead="", body="B")
    await d.store.move([3], MessageState.DEAD, reason="never reported", prompt_id="p")


def test_dead_letters_are_kept_to_the_byte(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        given_up, too_long, bad = await d.store.dead_letters(10)
        assert (bad.id, bad.channel, bad.verbatim) == (1, "tg", b'{"content": "\xff"}')
        assert (too_long.verbatim, too_long.whole_bytes, too_long.reason) == (b"x" * 10, 99, "too long")
        assert (given_up.raw, given_up.verbatim, given_up.key) == (None, b"given up", "k")
        assert await d.store.dead_letter(1) == bad
        assert await d.store.dead_letter(4) is None
        assert len(await d.store.dead_letters(2)) == 2

    run(tmp_path, story)


def test_a_dropped_letter_is_off_the_list_and_stays_on_disk(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        assert await d.store.drop(1)
        assert not await d.store.drop(1)
        assert not await d.store.drop(4)
        assert [letter.id for letter in await d.store.dead_letters(10)] == [3, 2]
        assert await d.store.dead_letter(1) is None
        assert await d.store.revive(1, None) is None
        counts = {state: count for state, count in (await d.store.counts()).items() if count}
        assert counts == {"queued": 1, "dead": 2}
        assert len(await d.store.message("1")) == 1
        await asyncio.sleep(0)
        assert d.lines("message")[-1]["reason"] == "dropped; it was: not valid UTF-8: byte 0xff"

    run(tmp_path, story)


def test_a_given_up_message_is_queued_again_as_if_it_had_never_been_typed(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        assert await d.store.revive(3, None) == Taken(3)
        assert await d.store.revive(3, None) is None
        first, second = await d.store.waiting(10)
        assert (first.id, first.state, first.reason, first.prompt_id) == (3, "queued", "tried again", None)
        assert second.content == "alive"
        assert await d.store.expected() == []

    run(tmp_path, story)


def test_a_line_that_is_a_message_now_is_queued_under_its_own_number(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        meaning = Incoming(channel="tg.bob", content="hi", ts=1.0, key="new", meta={"a": 1})
        assert await d.store.revive(1, meaning) == Taken(1)
        [kept] = await d.store.message("new")
        assert (kept.id, kept.channel, kept.content, kept.meta) == (1, "tg.bob", "hi", {"a": 1})
        assert await d.store.take_in([said("again", channel="tg.bob", key="new")]) == [Taken(1, True)]

        await d.store.begin_typing([1], lead="", body="B")
        await d.store.move([1], MessageState.DEAD, reason="never reported")
        assert await d.store.revive(1, meaning) == Taken(1)

    run(tmp_path, story)


def test_a_line_whose_key_another_message_took_stays_dead(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        meaning = Incoming(channel="tg", content="hi", ts=1.0, key="k")
        assert await d.store.revive(1, meaning) == Taken(3, True)
        assert [letter.id for letter in await d.store.dead_letters(10)] == [3, 2, 1]

    run(tmp_path, story)


# ------------------------------------------------------------------------------- a database in trouble


@contextmanager
def full(d: Desk) -> Iterator[None]:
    """No page more: the disk is full."""
    [pages] = d.store._connection.db.execute("PRAGMA page_count").fetchone()
    d.store._connection.db.execute(f"PRAGMA max_page_count = {pages}")
    yield
    d.store._connection.db.execute("PRAGMA max_page_count = 1000000000")


@contextmanager
def read_only(d: Desk) -> Iterator[None]:
    d.store._connection.db.execute("PRAGMA query_only = ON")
    yield
    d.store._connection.db.execute("PRAGMA query_only = OFF")


@contextmanager
def locked(d: Desk) -> Iterator[None]:
    """Another program writes and does not come to an end."""
    other = sqlite3.connect(d.store._thread.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("COMMIT")
    other.close()


TROUBLES = {
    "full": (full, "free some disk"),
    "read-only": (read_only, "writable"),
    "locked": (locked, "close"),
}
LONG = "x" * 100_000


@pytest.mark.parametrize(("trouble", "way_out"), TROUBLES.values(), ids=TROUBLES)
def test_the_house_waits_for_its_database_and_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Any, way_out: str
) -> None:
    monkeypatch.setattr(sqlite_thread, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(sqlite_thread, "BUSY_FOR_ASKERS_S", 0.0)

    async def story(d: Desk) -> None:
        await d.store.take_in([said("a")])
        with capture_logs() as logged:
            async with asyncio.TaskGroup() as group:
                with trouble(d):
                    typing = group.create_task(d.store.begin_typing([1], lead="", body=LONG))
                    told = group.create_task(
                        d.store.record(Draft(type=EventType.STATE, fields={"state": LONG}))
                    )
                    while d.store._thread.held < 2:  # noqa: ASYNC110 - nothing tells
                        await asyncio.sleep(0)
                    assert way_out in d.store.trouble
                    assert [m.content for m in await d.store.waiting(5)] == ["a"]
                    with pytest.raises(StoreFailed, match=way_out) as refused:
                        await d.store.take_in([said(LONG)])
                    assert refused.value.passes
                    assert not typing.done()
                    assert not told.done()
        assert d.store.trouble == ""
        assert [line["event"] for line in logged] == ["store held", "store resumed"]
        assert [b.ids for b in await d.store.expected()] == [(1,)]
        assert await d.store.take_in([said("b")]) == [Taken(2)]
        await asyncio.sleep(0)
        assert [e["seq"] for e in d.lines()] == [1, 2, 3, 4]

    run(tmp_path, story)


def test_who_stops_waiting_leaves_no_trouble_behind(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("a")])
        with read_only(d):
            async with asyncio.TaskGroup() as group:
                moving = group.create_task(d.store.begin_typing([1], lead="", body="B"))
                while not d.store._thread.held:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0)
                moving.cancel()
        assert d.store.trouble == ""

    run(tmp_path, story)


def test_a_damaged_database_is_not_waited_for(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("x" * 3_000) for _ in range(200)])
        d.store._connection.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = d.store._thread.path.read_bytes()
        d.store._thread.path.write_bytes(whole[:4_096] + b"\xff" * (len(whole) - 4_096))
        other = sqlite3.connect(d.store._thread.path)  # our own cache must be thrown away
        other.execute("PRAGMA user_version = 2")
        other.commit()
        other.close()
        with pytest.raises(StoreFailed, match="restore a backup") as damaged:
            await d.store.begin_typing([1], lead="", body="B")
        assert not damaged.value.passes

    run(tmp_path, story)


def test_a_place_where_no_file_can_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "ccmux.db").mkdir()
    with pytest.raises(StoreFailed, match="writable"):
        run(tmp_path, _nothing)


# --------------------------------------------------------------------------------------- what a crash cut


async def take_turn(d: Desk, prompt_id: str) -> list[int]:
    """Let Claude begin with what waits, in the turn `prompt_id`."""
    ids = [message.id for message in await d.store.waiting(20)]
    await d.store.begin_typing(ids, lead="", body="x")
    await d.store.move(ids, MessageState.STARTED, prompt_id=prompt_id)
    return ids


async def end_turn(d: Desk, prompt_id: str, outcome: str) -> list[int]:
    """End a turn and return the messages its event names."""
    continuation = continuation_of(prompt_id, ts=NOW) if outcome == "crashed" else None
    assert await d.store.finish_turn(
        FinishedTurn(
            session_id="s",
            prompt_id=prompt_id,
            resume_offset=0,
            fields={"turn": [], "outcome": outcome},
            continuation=continuation,
        )
    )
    await asyncio.sleep(0)
    ids: list[int] = d.lines("turn")[-1]["message_ids"]
    return ids


async def states(d: Desk) -> dict[int, tuple[str, str]]:
    return {message.id: (message.state.value, message.reason) for message in await d.store.messages()}


def test_what_a_crash_cut_is_answered_when_its_continuation_is(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("one"), said("two")])
        assert await take_turn(d, "p1") == [1, 2]
        await d.store.take_in([said("later")])
        assert await end_turn(d, "p1", "crashed") == [1, 2]
        reason = f"{CUT}; message 4 asks Claude to go on"
        assert (await states(d))[1] == (await states(d))[2] == ("started", reason)
        [going_on] = await d.store.waiting(20)  # before what waited longer, and alone
        assert (going_on.id, going_on.meta) == (4, {"continues": [1, 2]})
        assert await take_turn(d, "p2") == [4]
        assert await end_turn(d, "p2", "finished") == [1, 2, 4]
        assert set((await states(d)).values()) == {("answered", ""), ("queued", "")}
        assert [message.id for message in await d.store.waiting(20)] == [3]

    run(tmp_path, story)


def test_what_is_cut_again_and_again_counts_as_answered_in_the_end(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("deadly")])
        await take_turn(d, "p0")
        for n in range(CONTINUATIONS_MAX):
            await end_turn(d, f"p{n}", "crashed")
            assert (await states(d))[1][0] == "started"
            await take_turn(d, f"p{n + 1}")
        assert await end_turn(d, f"p{CONTINUATIONS_MAX}", "crashed") == [1, CONTINUATIONS_MAX + 1]
        assert set((await states(d)).values()) == {("answered", CUT)}
        assert await d.store.waiting(20) == []

    run(tmp_path, story)


def test_a_cut_turn_without_messages_is_not_gone_on_with(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        assert await end_turn(d, "p1", "crashed") == []
        assert await d.store.waiting(20) == []

    run(tmp_path, story)


def test_what_a_given_up_continuation_went_on_with_is_answered(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await d.store.take_in([said("one")])
        await take_turn(d, "p1")
        await end_turn(d, "p1", "crashed")
        await d.store.move([2], MessageState.DEAD, reason="never reported")
        assert await states(d) == {1: ("answered", CUT), 2: ("dead", "never reported")}

    run(tmp_path, story)


def test_a_crash_of_the_daemon_beside_a_crash_asks_once(tmp_path: Path) -> None:
    async def before(d: Desk) -> None:
        await d.store.take_in([said("one")])
        await take_turn(d, "p1")
        await end_turn(d, "p1", "crashed")

    async def after(d: Desk) -> None:
        turn = FinishedTurn(
            session_id="s",
            prompt_id="p1",
            resume_offset=0,
            fields={"turn": [], "outcome": "crashed"},
            continuation=continuation_of("p1", ts=NOW),
        )
        assert not await d.store.finish_turn(turn)
        assert [message.id for message in await d.store.waiting(20)] == [2]

    run(tmp_path, before)
    run(tmp_path, after)


# -------------------------------------------------------------------------------------------- the ledger


def test_the_ledger_is_read_beside_a_running_store_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"

    async def story(d: Desk) -> None:
        await three_dead(d)
        await d.store.host(HostedSession(session_id="s0", transcript_path="/t0", spoken=False, offset=0))
        await d.store.take_in([said("five"), said("six")])
        d.clock.at += 60
        await d.store.host(HostedSession(session_id="s", transcript_path="", spoken=False, offset=0))
        await d.store.host(HostedSession(session_id="s", transcript_path="/t", spoken=True, offset=0))
        await d.store.begin_typing([4, 5], lead="L", body="B2")
        await d.store.move([4, 5], MessageState.STARTED, prompt_id="p")
        await d.store.finish_turn(turn("p"))
        await d.store.drop(1)
        seq = await d.store.last_seq()
        d.clock.at += 60
        await d.store.take_in([said("seven")])

        ledger, paths = read_ledger(path)
        assert ledger.states == {
            1: "dropped",
            2: "dead",
            3: "dead",
            4: "answered",
            5: "answered",
            6: "queued",
            7: "queued",
        }
        typed_at = NOW + 60
        assert ledger.batches == [
            TypedBatch(ids=(3,), lead="", body="B", typed_at=NOW, prompt_id="p", session_id="s"),
            TypedBatch(ids=(4, 5), lead="L", body="B2", typed_at=typed_at, prompt_id="p", session_id="s"),
        ]
        assert ledger.hosted == [(NOW, "s0"), (NOW + 60, "s")]
        assert paths == {"s0": "/t0", "s": "/t"}
        assert read_ledger(path, since_seq=seq)[0].states == {7: "queued"}
        assert read_ledger(path, since_ts=NOW + 61)[0].states == {7: "queued"}
        assert read_ledger(path, since_ts=NOW + 999)[0].states == {}
        assert read_ledger(path, since_ts=NOW)[0] == ledger

    run(tmp_path, story)
    before = path.read_bytes()
    assert len(read_ledger(path)[0].states) == 7
    assert path.read_bytes() == before


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="there is none"):
        read_ledger(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(
        StoreFailed, match=r"an older ccmux wrote it \(schema 0; .*\); start this one there once"
    ):
        read_ledger(tmp_path / "empty.db")
    with closing(sqlite3.connect(tmp_path / "empty.db")) as newer:
        newer.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreFailed, match=r"a newer ccmux wrote it \(schema 999; .*\); upgrade this one"):
        read_ledger(tmp_path / "empty.db")


def test_broken_promises_are_said_at_the_start_and_refuse_nothing(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        await three_dead(d)
        await d.store.take_in([said("five", key="five")])
        d.store._connection.db.execute("UPDATE message SET state = 'answered' WHERE id = 4")
        d.store._connection.db.execute("UPDATE message SET state = 'typing' WHERE id = 5")
        d.store._connection.db.execute("UPDATE taken_key SET message = 4 WHERE key = 'five'")

    run(tmp_path, story)
    with capture_logs() as logged:
        run(tmp_path, _nothing)
    assert [line for line in logged if line["event"] == "ledger check failed"] == [
        {
            "event": "ledger check failed",
            "log_level": "error",
            "path": str(tmp_path / "ccmux.db"),
            "answered_without_turn": 1,
            "on_its_way_without_batch": 1,
            "taken_twice_under_one_key": 1,
        }
    ]


def test_a_sound_ledger_says_nothing_at_the_start(tmp_path: Path) -> None:
    run(tmp_path, three_dead)
    with capture_logs() as logged:
        run(tmp_path, _nothing)
    assert logged == []


def test_a_page_of_large_events_is_short_and_never_empty(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        for _ in range(5):
            await d.store.record(Draft(type=EventType.TURN, fields={"turn": "x" * 200_000}))
        assert [e.seq for e in await d.store.events_since(0, (), 500)] == [1, 2]
        assert [e.seq for e in await d.store.events_since(4, (), 500)] == [5]
        assert await d.store.events_since(5, (), 500) == []

    run(tmp_path, story)


def test_trouble_of_who_asked_is_told_until_a_change_is_on_disk(tmp_path: Path) -> None:
    async def story(d: Desk) -> None:
        with read_only(d), capture_logs() as logged:
            with pytest.raises(StoreFailed):
                await d.store.take_in([said("a")])
            with pytest.raises(StoreFailed):
                await d.store.take_in([said("a")])
            assert await d.store.waiting(1) == []
            assert "writable" in d.store.trouble
        assert [line["event"] for line in logged] == ["store held"]
        await d.store.take_in([said("a")])
        await asyncio.sleep(0)
        assert d.store.trouble == ""

    run(tmp_path, story)
