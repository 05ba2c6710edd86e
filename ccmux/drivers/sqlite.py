"""The database: messages, typed batches, events, turns, the outbox. The only importer of sqlite3.

It owns one connection in one thread. Every change and the events that tell of it are one transaction, and the
events are handed on in the order of their commits. It decides nothing: which state may follow which stands in
`core/messages.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from ccmux.core.continuation import CONTINUATIONS_MAX, CUT
from ccmux.core.errors import StoreFailed
from ccmux.core.events import Draft, Event, EventType, QueuedLines, encode
from ccmux.core.ledger import Ledger, TypedBatch
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import FOLLOWS, OPEN_STATES, Incoming, Message, MessageState, Rejected
from ccmux.core.outgoing import Outgoing
from ccmux.ports import (
    NOTHING_READ,
    Clock,
    ExpectedPrompt,
    FinishedTurn,
    HostedSession,
    ReadTo,
    Taken,
)

T = TypeVar("T")

log = structlog.get_logger()

BUSY_AT_START_MS = 5_000
BUSY_MS = 100
"""How long SQLite itself waits, in our one thread, for another program (a backup, a sqlite3 shell)."""

BUSY_FOR_ASKERS_S = 5.0
"""How long somebody who waits for an answer waits for that other program."""

RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0

PAGE_BYTES = 262_144
"""A page of events ends with the one that fills this: turns can be large, and many may catch up at once."""

SHOWN_BYTES = 65_536
"""So much of a line that is no message is shown as text in lists."""

SECONDS_A_DAY = 86_400

_STATES = ", ".join(f"'{state}'" for state in MessageState)
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))

_IN_FLIGHT = "batch IS NOT NULL AND state IN ('typing', 'submitted', 'started', 'uncertain')"
"""SQLite can use a partial index only where a query says the very words of its WHERE, and left alone it walks
through all messages instead. The first half spares a new message the second."""
_BY_FLIGHT = "message INDEXED BY message_in_flight"

MIGRATIONS: tuple[str, ...] = (
    f"""
    CREATE TABLE batch (
        id       INTEGER PRIMARY KEY,
        lead     TEXT NOT NULL,
        body     TEXT NOT NULL,
        typed_at REAL NOT NULL
    ) STRICT;

    CREATE TABLE message (
        id          INTEGER PRIMARY KEY,
        channel     TEXT NOT NULL,
        content     TEXT NOT NULL,
        ts          REAL NOT NULL,
        key         TEXT,
        meta        TEXT NOT NULL,
        attachments TEXT NOT NULL,
        raw         BLOB,
        state       TEXT NOT NULL CHECK (state IN ({_STATES})),
        reason      TEXT NOT NULL DEFAULT '',
        prompt_id   TEXT,
        batch       INTEGER REFERENCES batch (id),
        changed_at  REAL NOT NULL
    ) STRICT;
    CREATE INDEX message_open ON message (state, id) WHERE state IN ({_OPEN});
    CREATE INDEX message_dead ON message (id) WHERE state = 'dead';
    CREATE INDEX message_key ON message (key) WHERE key IS NOT NULL;
    CREATE INDEX message_prompt ON message (prompt_id) WHERE prompt_id IS NOT NULL;
    CREATE INDEX message_batch ON message (batch) WHERE batch IS NOT NULL;

    CREATE TABLE taken_key (
        channel  TEXT NOT NULL,
        key      TEXT NOT NULL,
        message  INTEGER NOT NULL,
        taken_at REAL NOT NULL,
        PRIMARY KEY (channel, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE event (
        seq  INTEGER PRIMARY KEY,
        ts   REAL NOT NULL,
        type TEXT NOT NULL,
        line BLOB NOT NULL
    ) STRICT;

    CREATE TABLE turn (
        session_id TEXT NOT NULL,
        prompt_id  TEXT NOT NULL,
        outcome    TEXT NOT NULL,
        ended_at   REAL NOT NULL,
        PRIMARY KEY (session_id, prompt_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hosted (
        one             INTEGER PRIMARY KEY CHECK (one = 1),
        session_id      TEXT NOT NULL,
        transcript_path TEXT NOT NULL,
        spoken          INTEGER NOT NULL,
        read_to         INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE pause (
        one INTEGER PRIMARY KEY CHECK (one = 1)
    ) STRICT;

    CREATE TABLE outgoing (
        id           INTEGER PRIMARY KEY,
        key          TEXT,
        ts           REAL NOT NULL,
        channel      TEXT NOT NULL,
        message      TEXT NOT NULL,
        delivered_at REAL
    ) STRICT;
    CREATE UNIQUE INDEX outgoing_key ON outgoing (channel, key) WHERE key IS NOT NULL;
    CREATE INDEX outgoing_waiting ON outgoing (channel, id) WHERE delivered_at IS NULL;
    """,
    f"""
    CREATE TABLE new_message (
        id          INTEGER PRIMARY KEY,
        channel     TEXT NOT NULL,
        content     TEXT NOT NULL,
        ts          REAL NOT NULL,
        key         TEXT,
        meta        TEXT NOT NULL,
        attachments TEXT NOT NULL,
        raw         BLOB,
        state       TEXT NOT NULL CHECK (state = 'queued' OR state IN ({_STATES})),
        reason      TEXT NOT NULL DEFAULT '',
        prompt_id   TEXT,
        batch       INTEGER REFERENCES batch (id),
        changed_at  REAL NOT NULL,
        whole_bytes INTEGER,
        dropped_at  REAL
    ) STRICT;
    INSERT INTO new_message (id, channel, content, ts, key, meta, attachments, raw, state, reason, prompt_id,
                             batch, changed_at)
        SELECT id, channel, content, ts, key, meta, attachments, raw, state, reason, prompt_id,
               batch, changed_at FROM message ORDER BY id;
    DROP TABLE message;
    ALTER TABLE new_message RENAME TO message;
    CREATE INDEX message_queued ON message (id) WHERE state = 'queued';
    CREATE INDEX message_in_flight ON message (batch) WHERE {_IN_FLIGHT};
    CREATE INDEX message_dead ON message (dropped_at, id) WHERE state = 'dead';
    CREATE INDEX message_key ON message (key) WHERE key IS NOT NULL;
    CREATE INDEX message_prompt ON message (prompt_id) WHERE prompt_id IS NOT NULL;
    CREATE INDEX message_batch ON message (batch) WHERE batch IS NOT NULL;

    CREATE TABLE session (
        session_id      TEXT PRIMARY KEY,
        transcript_path TEXT NOT NULL,
        hosted_at       REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO session SELECT session_id, '', min(ended_at) FROM turn GROUP BY session_id;
    INSERT INTO session SELECT session_id, transcript_path, 0 FROM hosted WHERE true
        ON CONFLICT DO UPDATE SET transcript_path = excluded.transcript_path;
    """,  # noqa: S608 - our own words
    """
    CREATE TABLE read_to (
        door   TEXT PRIMARY KEY,
        stream TEXT NOT NULL,
        offset INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE continued (
        message      INTEGER PRIMARY KEY,
        continuation INTEGER NOT NULL,
        times        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX continued_continuation ON continued (continuation);
    """,
)
"""Numbered steps; `user_version` is the number of steps a database has taken. Steps are never edited."""

ROWS_A_STATEMENT = (1_000, 50, 1)
"""Python gives up its lock at each statement, and while the loop is busy it takes 5 ms to get it back."""

_MESSAGE_COLUMNS = (
    *("id", "channel", "content", "ts", "key", "meta", "attachments", "raw"),
    *("state", "reason", "changed_at", "whole_bytes"),
)
_EVENT_COLUMNS = ("seq", "ts", "type", "line")
_DROPPED = "dropped; it was: "
_MESSAGE_EVENT = EventType.MESSAGE
_MESSAGE = "id, channel, content, ts, key, meta, attachments, state, reason, prompt_id"


CHECKED_ROWS = 10_000
"""So many of the newest messages are looked at at each start: all of a great database would take a second."""

_PROMISES = {
    "answered_without_turn": """
        SELECT count(*) FROM message WHERE id > ? AND state = 'answered' AND prompt_id IS NULL""",
    "on_its_way_without_batch": """
        SELECT count(*) FROM message WHERE id > ? AND batch IS NULL
           AND state NOT IN ('queued', 'answered', 'dead')""",
    "taken_twice_under_one_key": """
        SELECT count(*) FROM message JOIN taken_key USING (channel, key)
         WHERE id > ? AND taken_key.message < id""",
}
"""What must always be so; each counts how often it is not, among the messages behind a number."""


class SqliteStore:
    """The `Store` port on SQLite. `on_events` is called in the loop with the events of each commit, in order.

    Made by `SqliteStore.open`; ended by `close`.
    """

    def __init__(
        self,
        path: Path,
        *,
        session: str,
        clock: Clock,
        on_events: Callable[[Sequence[Event]], None],
    ) -> None:
        self._path = path
        self._session = session
        self._clock = clock
        self._on_events = on_events
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ccmux-sqlite")
        self._db: sqlite3.Connection
        self._seq = 0
        self._message_id = 0
        self._held = 0
        """How many calls wait for the database to work again."""
        self._trouble = ""
        self._now = 0.0
        self._told: list[Event] = []
        """Of the transaction that is open: when it began, and the events it will tell."""

    @classmethod
    async def open(
        cls, path: Path, *, session: str, clock: Clock, on_events: Callable[[Sequence[Event]], None]
    ) -> SqliteStore:
        """Open or make the database (0600) and bring its schema up to date.

        Raises:
            StoreFailed: It cannot be opened, is damaged, or was written by a newer ccmux.

        """
        store = cls(path, session=session, clock=clock, on_events=on_events)
        try:
            await store._once(store._open)
            if broken := await store._once(store._check):
                log.error("ledger check failed", path=str(path), **broken)
        except BaseException:
            store._thread.shutdown()
            raise
        return store

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._in_thread(self._db.close)
        self._thread.shutdown()

    # ------------------------------------------------------------------------------------------- messages

    async def take_in(
        self, batch: Sequence[Incoming | Rejected], *, read_to: Mapping[str, ReadTo] = NOTHING_READ
    ) -> list[Taken]:
        return await self._for_asker(self._take_in, batch, read_to)

    async def doors_read_to(self) -> dict[str, ReadTo]:
        return await self._in_thread(self._doors_read_to)

    async def waiting(self, limit: int) -> list[Message]:
        # `+` keeps SQLite from walking through all that is queued: continuations are few.
        going_on = await self._select_messages(
            "id IN (SELECT continuation FROM continued) AND +state = 'queued' ORDER BY id LIMIT 1", ()
        )
        return going_on or await self._select_messages("state = 'queued' ORDER BY id LIMIT ?", (limit,))

    async def in_flight(self) -> list[Message]:
        return await self._select_messages(f"{_IN_FLIGHT} ORDER BY id", (), source=_BY_FLIGHT)

    async def begin_typing(self, ids: Sequence[int], *, lead: str, body: str) -> None:
        await self._in_thread(self._begin_typing, ids, lead, body)

    async def expected(self) -> list[ExpectedPrompt]:
        return await self._in_thread(self._expected)

    async def move(
        self, ids: Collection[int], state: MessageState, *, reason: str = "", prompt_id: str | None = None
    ) -> None:
        await self._in_thread(self._move, ids, state, reason, prompt_id)

    async def message(self, id_or_key: str) -> list[Message]:
        number = int(id_or_key) if id_or_key.isascii() and id_or_key.isdecimal() else -1
        return await self._select_messages(
            "id = ? OR key = ? ORDER BY id DESC", (min(number, 2**63 - 1), id_or_key)
        )

    async def messages(self, *, states: Collection[MessageState] = (), limit: int = 100) -> list[Message]:
        wanted = list(states or MessageState)
        where = f"state IN ({_marks(wanted)}) ORDER BY id DESC LIMIT ?"
        return await self._select_messages(where, (*wanted, limit))

    async def counts(self) -> dict[str, int]:
        return await self._in_thread(self._counts)

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        return await self._in_thread(self._letters, "ORDER BY id DESC LIMIT ?", limit)

    async def dead_letter(self, id_: int) -> DeadLetter | None:
        letters = await self._in_thread(self._letters, "AND id = ?", id_)
        return letters[0] if letters else None

    async def revive(self, id_: int, parsed: Incoming | None) -> Taken | None:
        return await self._for_asker(self._revive, id_, parsed)

    async def drop(self, id_: int) -> bool:
        return await self._for_asker(self._drop, id_)

    # ----------------------------------------------------------------------------- turns, hosted session

    async def finish_turn(self, turn: FinishedTurn) -> bool:
        return await self._in_thread(self._finish_turn, turn)

    async def hosted(self) -> HostedSession | None:
        return await self._in_thread(self._hosted)

    async def host(self, session: HostedSession) -> None:
        await self._in_thread(self._host, session)

    async def paused(self) -> bool:
        return bool(await self._in_thread(self._one, "SELECT count(*) FROM pause"))

    async def pause(self, *, on: bool) -> None:
        await self._for_asker(self._pause, on)

    # --------------------------------------------------------------------------------------------- events

    async def record(self, draft: Draft) -> None:
        await self._in_thread(self._record, draft)

    async def events_since(self, seq: int, types: Collection[EventType], limit: int) -> list[Event]:
        return await self._in_thread(self._events_since, seq, types, limit)

    async def last_seq(self) -> int:
        return await self._in_thread(lambda: self._seq)

    async def forget(self, *, events_days: float, keys_days: float) -> None:
        """Delete events and senders' keys older than so many days; the newest event stays, it holds `seq`."""
        await self._in_thread(self._forget, events_days, keys_days)

    # --------------------------------------------------------------------------------------------- outbox

    async def put_out(self, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
        return await self._for_asker(self._put_out, channel, message, key, ts)

    async def next_out(self, channel: str) -> Outgoing | None:
        return await self._in_thread(self._next_out, channel)

    async def delivered(self, out_id: int) -> None:
        await self._in_thread(self._delivered, out_id)

    async def out_waiting(self) -> dict[str, int]:
        return await self._in_thread(
            lambda: dict(
                self._db.execute(
                    "SELECT channel, count(*) FROM outgoing WHERE delivered_at IS NULL GROUP BY channel"
                )
            )
        )

    # ----------------------------------------------------------------- the thread's side: opening, errors

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Do what the house itself must do: where it fails and that may pass, try again until it is done."""
        failures = 0
        try:
            while True:
                try:
                    return await self._once(call, *arguments)
                except StoreFailed as error:
                    if not error.passes:
                        raise
                    self._hold(error)
                    self._held += failures == 0
                    failures += 1
                    await asyncio.sleep(min(RETRY_FIRST_S * 2**failures, RETRY_MAX_S))
        finally:
            if failures:
                self._held -= 1
                if self._held == 0:
                    self._let_go()

    async def _for_asker(self, call: Callable[..., T], *arguments: Any) -> T:
        """Do what somebody asked for who waits for the answer: a failure is one, and nothing was done."""
        give_up_s = self._loop.time() + BUSY_FOR_ASKERS_S
        while True:
            try:
                return await self._once(call, *arguments)
            except StoreFailed as error:
                if _is_busy(error) and self._loop.time() < give_up_s:
                    continue
                if error.passes:
                    self._hold(error)
                raise

    async def _once(self, call: Callable[..., T], *arguments: Any) -> T:
        return await self._loop.run_in_executor(self._thread, self._translated, call, arguments)

    @property
    def trouble(self) -> str:
        """Why the database could not be written lately, and what ends that; "" once a change is on disk."""
        return self._trouble

    def _hold(self, error: StoreFailed) -> None:
        if not self._trouble:
            log.error("store held", reason=error.reason, way_out=error.way_out)
        self._trouble = f"{error.reason}; {error.way_out}"

    def _let_go(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.info("store resumed")

    def _translated(self, call: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        try:
            return call(*arguments)
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(
                str(self._path), str(error), _way_out(error), passes=_primary(error) in _PASSING
            ) from error

    def _open(self) -> None:
        self._path.touch(mode=0o600)
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_AT_START_MS}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._migrate()
            self._seq = self._one("SELECT coalesce(max(seq), 0) FROM event")
            self._message_id = self._one("SELECT coalesce(max(id), 0) FROM message")
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        except BaseException:
            self._db.close()
            raise

    def _migrate(self) -> None:
        taken = self._one("PRAGMA user_version")
        if taken > len(MIGRATIONS):
            raise StoreFailed(
                str(self._path),
                f"its schema is number {taken}, this ccmux knows {len(MIGRATIONS)}",
                "a newer ccmux wrote it: upgrade this one",
            )
        for number, step in enumerate(MIGRATIONS[taken:], start=taken + 1):
            self._db.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")

    def _one(self, sql: str, values: Sequence[Any] = ()) -> int:
        row = self._db.execute(sql, values).fetchone()
        return int(row[0])

    @contextmanager
    def _transaction(self) -> Iterator[float]:
        """Begin, yield the wall time of the change, write the drafted events, commit, hand them on."""
        now = self._clock.now()
        seq, message_id = self._seq, self._message_id
        self._now, self._told = now, []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield now
            events = self._told
            rows = [(event.seq, now, event.type, event.line) for event in events]
            self._insert("event", _EVENT_COLUMNS, rows)
            self._db.execute("COMMIT")
        except BaseException:
            self._seq, self._message_id = seq, message_id
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        if self._trouble:
            self._loop.call_soon_threadsafe(self._let_go)
        if events:
            self._loop.call_soon_threadsafe(self._on_events, events)

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, many a statement."""
        one = f"({_marks(columns)})"
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - our own names
        first = 0
        for size in ROWS_A_STATEMENT:
            until = len(rows) - (len(rows) - first) % size
            if until > first:
                several = (chain.from_iterable(rows[at : at + size]) for at in range(first, until, size))
                self._db.executemany(head + ", ".join([one] * size), map(tuple, several))
            first = until

    def _tell(self, type_: EventType, **fields: Any) -> None:
        self._tell_draft(Draft(type=type_, fields=fields))

    def _tell_draft(self, draft: Draft) -> None:
        self._seq += 1
        self._told.append(encode(draft, seq=self._seq, ts=self._now, session=self._session))

    def _tell_message(self, id_: int, channel: str, key: str | None, state: str, reason: str) -> None:
        self._tell(EventType.MESSAGE, id=id_, key=key, channel=channel, state=state, reason=reason)

    # ------------------------------------------------------------------------ the thread's side: messages

    def _take_in(self, batch: Sequence[Incoming | Rejected], read_to: Mapping[str, ReadTo]) -> list[Taken]:
        answers: list[Taken] = []
        rows: list[tuple[Any, ...]] = []
        with self._transaction() as now:
            queued = QueuedLines(ts=now, session=self._session)
            for item in batch:
                if isinstance(item, Rejected):
                    rows.append(self._dead_row(item, now))
                    answers.append(Taken(self._message_id))
                    continue
                key = item.key
                if key is not None and (known := self._known_key(item.channel, key, now)) is not None:
                    answers.append(Taken(known, duplicate=True))
                    continue
                self._message_id = id_ = self._message_id + 1
                self._seq = seq = self._seq + 1
                line = queued.line(seq=seq, id_=id_, key=key, channel=item.channel)
                self._told.append(Event(seq=seq, type=_MESSAGE_EVENT, line=line))
                meta = _json(item.meta) if item.meta else "{}"
                paths = _json(item.attachments) if item.attachments else "[]"
                rows.append(
                    (
                        *(id_, item.channel, item.content, item.ts, key, meta, paths),
                        *(None, "queued", "", now, None),
                    )
                )
                answers.append(Taken(id_))
            self._insert("message", _MESSAGE_COLUMNS, rows)
            self._db.executemany(
                "INSERT OR REPLACE INTO read_to VALUES (?, ?, ?)",
                [(door, read.stream, read.offset) for door, read in read_to.items()],
            )
        return answers

    def _doors_read_to(self) -> dict[str, ReadTo]:
        rows = self._db.execute("SELECT door, stream, offset FROM read_to")
        return {door: ReadTo(stream, offset) for door, stream, offset in rows}

    def _dead_row(self, item: Rejected, now: float) -> tuple[Any, ...]:
        self._message_id = id_ = self._message_id + 1
        self._tell_message(id_, item.channel, None, MessageState.DEAD, item.reason)
        shown = item.raw[:SHOWN_BYTES].decode("utf-8", "replace")
        return (
            *(id_, item.channel, shown, now, None, "{}", "[]", item.raw),
            *("dead", item.reason, now, item.whole_bytes),
        )

    def _known_key(self, channel: str, key: str, now: float, *, taker: int | None = None) -> int | None:
        """Return the message that took this key, or take it for `taker`, which is the next message."""
        new = self._db.execute(
            "INSERT INTO taken_key VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (channel, key, self._message_id + 1 if taker is None else taker, now),
        ).rowcount
        if new:
            return None
        return self._one("SELECT message FROM taken_key WHERE channel = ? AND key = ?", (channel, key))

    def _begin_typing(self, ids: Sequence[int], lead: str, body: str) -> None:
        with self._transaction() as now:
            batch = self._db.execute(
                "INSERT INTO batch (lead, body, typed_at) VALUES (?, ?, ?)", (lead, body, now)
            ).lastrowid
            self._db.execute(
                f"UPDATE message SET batch = ? WHERE id IN ({_marks(ids)})",  # noqa: S608 - marks only
                (batch, *ids),
            )
            self._set_state(ids, MessageState.TYPING, "", None, now)

    def _expected(self) -> list[ExpectedPrompt]:
        rows = self._db.execute(
            "SELECT group_concat(message.id), lead, body, typed_at, min(state = 'submitted')"  # noqa: S608
            f" FROM {_BY_FLIGHT} JOIN batch ON batch.id = message.batch"
            f" WHERE {_IN_FLIGHT} AND state <> 'started' GROUP BY batch.id ORDER BY batch.id"
        )
        return [
            ExpectedPrompt(
                ids=tuple(sorted(int(id_) for id_ in ids.split(","))),
                lead=lead,
                body=body,
                typed_at=typed_at,
                submitted=bool(submitted),
            )
            for ids, lead, body, typed_at, submitted in rows
        ]

    def _move(self, ids: Collection[int], state: MessageState, reason: str, prompt_id: str | None) -> None:
        with self._transaction() as now:
            self._set_state(ids, state, reason, prompt_id, now)

    def _set_state(
        self, ids: Collection[int], state: MessageState, reason: str, prompt_id: str | None, now: float
    ) -> None:
        if prompt_id is not None:
            self._db.execute(
                f"UPDATE message SET prompt_id = ? WHERE id IN ({_marks(ids)})",  # noqa: S608 - marks only
                (prompt_id, *ids),
            )
        before = [old for old, following in FOLLOWS.items() if state in following]
        moved = self._db.execute(
            f"UPDATE message SET state = ?, reason = ?, changed_at = ? WHERE id IN ({_marks(ids)})"  # noqa: S608
            f" AND state IN ({_marks(before)}) RETURNING id, channel, key",
            (state, reason, now, *ids, *before),
        ).fetchall()
        for id_, channel, key in sorted(moved):
            self._tell_message(id_, channel, key, state, reason)
        if state is MessageState.DEAD and moved:
            self._abandon([id_ for id_, _, _ in moved], now)

    def _abandon(self, dead: Sequence[int], now: float) -> None:
        """Answer the messages that a dead continuation went on with: nobody does that any more."""
        rows = self._db.execute(
            f"SELECT message FROM continued WHERE continuation IN ({_marks(dead)})",  # noqa: S608
            dead,
        ).fetchall()
        self._answer([id_ for (id_,) in rows], CUT, now)

    async def _select_messages(
        self, where: str, values: Sequence[Any], *, source: str = "message"
    ) -> list[Message]:
        def select() -> list[Message]:
            sql = f"SELECT {_MESSAGE} FROM {source} WHERE {where}"  # noqa: S608 - our own clauses
            return [_message(row) for row in self._db.execute(sql, values)]

        return await self._in_thread(select)

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys((state.value for state in MessageState), 0)
        counts["queued"] = self._one("SELECT count(*) FROM message WHERE state = 'queued'")
        counts |= dict(
            self._db.execute(f"SELECT state, count(*) FROM {_BY_FLIGHT} WHERE {_IN_FLIGHT} GROUP BY state")  # noqa: S608
        )
        dead = self._one("SELECT count(*) FROM message WHERE state = 'dead'")
        # Messages are never deleted, so the rest is a subtraction, not a walk through years of them.
        counts["answered"] = self._message_id - dead - sum(counts.values())
        counts["dead"] = self._one("SELECT count(*) FROM message WHERE state = 'dead' AND dropped_at IS NULL")
        return counts

    # ------------------------------------------------------------------ the thread's side: dead letters

    def _letters(self, clause: str, value: int) -> list[DeadLetter]:
        rows = self._db.execute(
            "SELECT id, channel, changed_at, reason, key, raw, content, whole_bytes FROM message"  # noqa: S608
            f" WHERE state = 'dead' AND dropped_at IS NULL {clause}",
            (value,),
        )
        return [
            DeadLetter(
                id=id_,
                channel=channel,
                at=at,
                reason=reason,
                key=key,
                raw=raw,
                content=content,
                whole_bytes=whole_bytes,
            )
            for id_, channel, at, reason, key, raw, content, whole_bytes in rows
        ]

    def _check(self) -> dict[str, int]:
        """Return how often each promise is broken among the newest rows; nothing: all hold."""
        newest = (max(0, self._message_id - CHECKED_ROWS),)
        broken = {name: self._one(sql, newest) for name, sql in _PROMISES.items()}
        return {name: count for name, count in broken.items() if count}

    def _revive(self, id_: int, parsed: Incoming | None) -> Taken | None:
        with self._transaction() as now:
            letters = self._letters("AND id = ?", id_)
            if not letters:
                return None
            if parsed is not None:
                if parsed.key is not None:
                    known = self._known_key(parsed.channel, parsed.key, now, taker=id_)
                    if known is not None and known != id_:
                        return Taken(known, duplicate=True)
                self._db.execute(
                    "UPDATE message SET channel = ?, content = ?, ts = ?, key = ?, meta = ?, attachments = ?"
                    " WHERE id = ?",
                    (
                        *(parsed.channel, parsed.content, parsed.ts, parsed.key),
                        *(_json(parsed.meta), _json(parsed.attachments), id_),
                    ),
                )
            # What was typed before proves nothing about the new try.
            self._db.execute("UPDATE message SET batch = NULL, prompt_id = NULL WHERE id = ?", (id_,))
            self._set_state((id_,), MessageState.QUEUED, "tried again", None, now)
        return Taken(id_)

    def _drop(self, id_: int) -> bool:
        with self._transaction() as now:
            dropped = self._db.execute(
                "UPDATE message SET dropped_at = ? WHERE id = ? AND state = 'dead' AND dropped_at IS NULL"
                " RETURNING channel, key, reason",
                (now, id_),
            ).fetchone()
            if dropped is not None:
                channel, key, reason = dropped
                self._tell_message(id_, channel, key, MessageState.DEAD, f"{_DROPPED}{reason}")
        return dropped is not None

    # ------------------------------------------------------------------- the thread's side: turns, outbox

    def _finish_turn(self, turn: FinishedTurn) -> bool:
        with self._transaction() as now:
            outcome = str(turn.fields.get("outcome", "finished"))
            new = self._db.execute(
                "INSERT INTO turn VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (turn.session_id, turn.prompt_id, outcome, now),
            ).rowcount
            self._db.execute(
                "UPDATE hosted SET spoken = 1, read_to = max(read_to, ?) WHERE session_id = ?",
                (turn.resume_offset, turn.session_id),
            )
            if not new:
                return False
            ids = self._carried_by(turn.prompt_id)
            fields = {**turn.fields, "prompt_id": turn.prompt_id, "message_ids": ids}
            self._tell(EventType.TURN, **fields)
            reason = "" if outcome == "finished" else f"turn {outcome}"
            going_on = self._continue(ids, turn.continuation, now) if turn.continuation is not None else set()
            self._answer([id_ for id_ in ids if id_ not in going_on], reason, now)
        return True

    def _continue(self, ids: Sequence[int], continuation: Incoming, now: float) -> set[int]:
        """Queue what goes on with these messages, and return those that wait for its end."""
        rows = self._db.execute(
            f"SELECT id, channel, key FROM message WHERE id IN ({_marks(ids)})"  # noqa: S608 - marks only
            " AND id NOT IN (SELECT continuation FROM continued)"
            " AND id NOT IN (SELECT message FROM continued WHERE times >= ?) ORDER BY id",
            (*ids, CONTINUATIONS_MAX),
        ).fetchall()
        if not rows:
            return set()
        self._message_id = new = self._message_id + 1
        self._tell_message(new, continuation.channel, continuation.key, MessageState.QUEUED, "")
        meta = _json({"continues": [id_ for id_, _, _ in rows]})
        one = (new, continuation.channel, continuation.content, continuation.ts, continuation.key, meta)
        self._insert("message", _MESSAGE_COLUMNS, [(*one, "[]", None, "queued", "", now, None)])
        reason = f"{CUT}; message {new} asks Claude to go on"
        for id_, channel, key in rows:
            self._db.execute(
                "INSERT INTO continued VALUES (?, ?, 1)"
                " ON CONFLICT DO UPDATE SET continuation = excluded.continuation, times = times + 1",
                (id_, new),
            )
            self._db.execute(
                "UPDATE message SET state = 'started', reason = ?, changed_at = ? WHERE id = ?",
                (reason, now, id_),
            )
            self._tell_message(id_, channel, key, MessageState.STARTED, reason)
        return {id_ for id_, _, _ in rows}

    def _answer(self, ids: Sequence[int], reason: str, now: float) -> None:
        self._set_state(ids, MessageState.ANSWERED, reason, None, now)
        self._db.execute(f"DELETE FROM continued WHERE message IN ({_marks(ids)})", ids)  # noqa: S608

    def _carried_by(self, prompt_id: str) -> list[int]:
        rows = self._db.execute(
            f"SELECT id FROM message WHERE prompt_id = ? AND state IN ({_OPEN})"  # noqa: S608
            " AND id NOT IN (SELECT message FROM continued)"
            " UNION SELECT continued.message FROM continued"
            " JOIN message ON message.id = continuation WHERE message.prompt_id = ? ORDER BY 1",
            (prompt_id, prompt_id),
        )
        return [id_ for (id_,) in rows]

    def _hosted(self) -> HostedSession | None:
        row = self._db.execute("SELECT session_id, transcript_path, spoken, read_to FROM hosted").fetchone()
        if row is None:
            return None
        return HostedSession(session_id=row[0], transcript_path=row[1], spoken=bool(row[2]), offset=row[3])

    def _host(self, session: HostedSession) -> None:
        with self._transaction() as now:
            self._db.execute(
                "INSERT INTO session VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
                " transcript_path = coalesce(nullif(excluded.transcript_path, ''), transcript_path)",
                (session.session_id, session.transcript_path, now),
            )
            self._db.execute(
                "INSERT INTO hosted VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " session_id = excluded.session_id, transcript_path = excluded.transcript_path,"
                " spoken = excluded.spoken, read_to = excluded.read_to",
                (session.session_id, session.transcript_path, session.spoken, session.offset),
            )

    def _pause(self, on: bool) -> None:
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO pause VALUES (1)" if on else "DELETE FROM pause")

    def _put_out(self, channel: str, message: str, key: str | None, ts: float) -> Taken:
        with self._transaction():
            row = self._db.execute(
                "INSERT INTO outgoing (key, ts, channel, message) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING RETURNING id",
                (key, ts, channel, message),
            ).fetchone()
            if row is not None:
                return Taken(row[0])
            known = self._one("SELECT id FROM outgoing WHERE channel = ? AND key = ?", (channel, key))
            return Taken(known, duplicate=True)

    def _next_out(self, channel: str) -> Outgoing | None:
        row = self._db.execute(
            "SELECT id, key, ts, channel, message FROM outgoing"
            " WHERE channel = ? AND delivered_at IS NULL ORDER BY id LIMIT 1",
            (channel,),
        ).fetchone()
        if row is None:
            return None
        return Outgoing(
            id=row[0], key=row[1], ts=row[2], channel=row[3], message=row[4], session=self._session
        )

    def _delivered(self, out_id: int) -> None:
        with self._transaction() as now:
            row = self._db.execute(
                "UPDATE outgoing SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL"
                " RETURNING channel, key",
                (now, out_id),
            ).fetchone()
            if row is not None:
                self._tell(EventType.CHANNEL, event="delivered", channel=row[0], id=row[1] or str(out_id))

    # -------------------------------------------------------------------------- the thread's side: events

    def _record(self, draft: Draft) -> None:
        with self._transaction():
            self._tell_draft(draft)

    def _events_since(self, seq: int, types: Collection[EventType], limit: int) -> list[Event]:
        wanted = list(types or EventType)
        rows = self._db.execute(
            f"SELECT seq, type, line FROM event WHERE seq > ? AND type IN ({_marks(wanted)})"  # noqa: S608
            " ORDER BY seq LIMIT ?",
            (seq, *wanted, limit),
        )
        page: list[Event] = []
        left_bytes = PAGE_BYTES
        for number, type_, line in rows:
            page.append(Event(seq=number, type=EventType(type_), line=line))
            left_bytes -= len(line)
            if left_bytes <= 0:
                break
        rows.close()
        return page

    def _forget(self, events_days: float, keys_days: float) -> None:
        with self._transaction() as now:
            self._db.execute(
                "DELETE FROM event WHERE ts < ? AND seq < ?", (now - events_days * SECONDS_A_DAY, self._seq)
            )
            self._db.execute("DELETE FROM taken_key WHERE taken_at < ?", (now - keys_days * SECONDS_A_DAY,))


def read_ledger(path: Path, *, since_seq: int = 0, since_ts: float = 0.0) -> tuple[Ledger, dict[str, str]]:
    """Return what the database says of all messages, also while the daemon runs, and changes nothing.

    With it comes each hosted session's transcript path, "" where it is not known.

    Args:
        path: The database.
        since_seq: Only messages that came after this event.
        since_ts: Only messages that came at this time (epoch seconds) or later.

    Raises:
        StoreFailed: There is none, it cannot be read, or another ccmux wrote it.

    """
    if not path.exists():
        raise StoreFailed(str(path), "there is none", "start ccmux here once, or go to the folder it runs in")
    try:
        # Writable only for what WAL needs beside the file; query_only refuses every change.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as db:
            db.execute(f"PRAGMA busy_timeout = {BUSY_AT_START_MS}")
            db.execute("PRAGMA query_only = ON")
            [schema] = db.execute("PRAGMA user_version").fetchone()
            if schema != len(MIGRATIONS):
                reason = f"its schema is number {schema}, this ccmux knows {len(MIGRATIONS)}"
                raise StoreFailed(
                    str(path), reason, "start this ccmux there once, or use the one that wrote it"
                )
            db.execute("BEGIN")
            return _ledger(db, since_seq, since_ts)
    except sqlite3.Error as error:
        raise StoreFailed(str(path), str(error), _way_out(error)) from error


def _ledger(db: sqlite3.Connection, since_seq: int, since_ts: float) -> tuple[Ledger, dict[str, str]]:
    first = _first_message_since(db, since_seq, since_ts) if since_seq or since_ts else 0
    states = db.execute(
        "SELECT id, iif(dropped_at IS NULL, state, 'dropped') FROM message WHERE id >= ?", (first,)
    )
    batches = db.execute(
        "SELECT group_concat(message.id), lead, body, typed_at, max(message.prompt_id), max(turn.session_id)"
        " FROM message JOIN batch ON batch.id = message.batch"
        " LEFT JOIN turn ON turn.prompt_id = message.prompt_id"
        " WHERE message.batch >= (SELECT coalesce(min(batch), 0) FROM message WHERE id >= ?)"
        " GROUP BY batch.id ORDER BY batch.id",
        (first,),
    )
    hosted = db.execute(
        "SELECT hosted_at, session_id, transcript_path FROM session ORDER BY hosted_at"
    ).fetchall()
    ledger = Ledger(
        states=dict(states),
        batches=[
            TypedBatch(
                ids=tuple(sorted({int(id_) for id_ in ids.split(",")})),
                lead=lead,
                body=body,
                typed_at=typed_at,
                prompt_id=prompt_id,
                session_id=session_id or "",
            )
            for ids, lead, body, typed_at, prompt_id, session_id in batches
        ],
        hosted=[(at, session_id) for at, session_id, _ in hosted],
    )
    return ledger, {session_id: path for _, session_id, path in hosted}


def _first_message_since(db: sqlite3.Connection, since_seq: int, since_ts: float) -> int:
    """Return the number of the first message whose coming was told behind this number and time."""
    told = db.execute(
        "SELECT line FROM event WHERE type = 'message' AND seq > ? AND ts >= ? ORDER BY seq",
        (since_seq, since_ts),
    )
    for (line,) in told:
        event = msgspec.json.decode(line)
        refused = event["state"] == MessageState.DEAD and not event["reason"].startswith(_DROPPED)
        if (event["state"] == MessageState.QUEUED and not event["reason"]) or refused:
            [typed] = db.execute("SELECT batch FROM message WHERE id = ?", (event["id"],)).fetchone()
            if not refused or typed is None:
                return int(event["id"])
    [newest] = db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
    return int(newest) + 1


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _message(row: tuple[Any, ...]) -> Message:
    id_, channel, content, ts, key, meta, attachments, state, reason, prompt_id = row
    return Message(
        id=id_,
        channel=channel,
        content=content,
        ts=ts,
        key=key,
        meta=msgspec.json.decode(meta),
        attachments=tuple(msgspec.json.decode(attachments)),
        state=MessageState(state),
        reason=reason,
        prompt_id=prompt_id,
    )


def _primary(error: Exception) -> int:
    """Return SQLite's primary result code, 0 where the error is none of SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    # The file was deleted or another was put in its place: to wait for it is of no use.
    return 0 if code == sqlite3.SQLITE_READONLY_DBMOVED else code & 0xFF


def _is_busy(error: StoreFailed) -> bool:
    return error.__cause__ is not None and _primary(error.__cause__) == sqlite3.SQLITE_BUSY  # type: ignore[arg-type]


_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    }
)
"""A person or another program can end these while we wait; a damaged database heals by no waiting."""


def _way_out(error: Exception) -> str:
    """Return what a person can do about SQLite's primary result code (https://www.sqlite.org/rescode.html)."""
    return {
        sqlite3.SQLITE_FULL: "free some disk space; ccmux goes on by itself",
        sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
        sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable for this user",
        sqlite3.SQLITE_BUSY: "another program holds it; close that program",
        sqlite3.SQLITE_IOERR: "look at the disk",
        sqlite3.SQLITE_CORRUPT: "move it aside and start again, or restore a backup",
        sqlite3.SQLITE_NOTADB: "move it aside and start again, or restore a backup",
    }.get(_primary(error), "make the file and its folder writable, and see that the disk is not full")
