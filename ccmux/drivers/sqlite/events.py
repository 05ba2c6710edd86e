"""The events: written one by one where they stand for themselves, read in pages, forgotten when they are old.

It never tells of a change to another table: whoever makes that change does, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from ccmux.core.events import Draft, Event, EventType
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.rows import marks

PAGE_BYTES = 262_144
"""A page of events ends with the one that fills this: turns can be large, and many may catch up at once."""

FORGOTTEN_AT_ONCE = 10_000
"""Rows: a day of a flood is let go of in many short transactions, between which messages are taken."""

_SECONDS_A_DAY = 86_400


def record(connection: Connection, draft: Draft) -> None:
    with connection.transaction():
        connection.tell(draft)


def events_since(connection: Connection, seq: int, types: Collection[EventType], limit: int) -> list[Event]:
    wanted = list(types or EventType)
    rows = connection.db.execute(
        f"SELECT seq, type, line FROM event WHERE seq > ? AND type IN ({marks(wanted)})"  # noqa: S608
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


def last_seq(connection: Connection) -> int:
    return connection.seq


def forget(connection: Connection, *, events_days: float, keys_days: float) -> bool:
    with connection.transaction() as now:
        events = connection.db.execute(
            "DELETE FROM event WHERE seq IN"
            " (SELECT seq FROM event WHERE ts < ? AND seq < ? ORDER BY seq LIMIT ?)",
            (now - events_days * _SECONDS_A_DAY, connection.seq, FORGOTTEN_AT_ONCE),
        )
        keys = connection.db.execute(
            "DELETE FROM taken_key WHERE (channel, key) IN"
            " (SELECT channel, key FROM taken_key WHERE taken_at < ? LIMIT ?)",
            (now - keys_days * _SECONDS_A_DAY, FORGOTTEN_AT_ONCE),
        )
        return FORGOTTEN_AT_ONCE in (events.rowcount, keys.rowcount)
