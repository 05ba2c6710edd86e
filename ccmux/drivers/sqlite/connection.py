"""The one connection: transactions, the events that tell of them, and the next numbers of both.

Used in the database's thread alone. It never commits a change without its events, nor tells of one that is
not on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from ccmux.core.events import Draft, Event, EventType, encode
from ccmux.drivers.sqlite.rows import marks
from ccmux.drivers.sqlite.schema import open_database
from ccmux.ports import Clock

BUSY_MS = 100
"""How long SQLite itself waits, in our one thread, for another program once the file is open."""

ROWS_A_STATEMENT = (1_000, 50, 1)
"""Python gives up its lock at each statement, and while the loop is busy it takes 5 ms to get it back."""

_EVENT_COLUMNS = ("seq", "ts", "type", "line")


class Connection:
    """The open database.

    Attributes:
        db: Where the rooms of this package say their SQL.
        session: The name that stands in every event.
        seq: The newest event's number.
        message_id: The newest message's number.
        told: The events that the open transaction will tell; numbers and events are taken back with it.

    """

    def __init__(
        self, path: Path, *, session: str, clock: Clock, committed: Callable[[Sequence[Event]], None]
    ) -> None:
        """Open the file; `committed` is called with the events of each commit, in order.

        Raises:
            StoreFailed: A newer ccmux wrote it.
            sqlite3.Error: It cannot be opened, or is damaged.
            OSError: It cannot be made.

        """
        self.db = open_database(path)
        self.session = session
        self.told: list[Event] = []
        self._clock = clock
        self._committed = committed
        self._now = 0.0
        try:
            self.seq = self.one("SELECT coalesce(max(seq), 0) FROM event")
            self.message_id = self.one("SELECT coalesce(max(id), 0) FROM message")
            self.db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        except BaseException:
            self.db.close()
            raise

    def one(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the one number that this asks for."""
        row = self.db.execute(sql, values).fetchone()
        return int(row[0])

    @contextmanager
    def transaction(self) -> Iterator[float]:
        """Begin, yield the wall time of the change, write the drafted events, commit, hand them on."""
        now = self._clock.now()
        seq, message_id = self.seq, self.message_id
        self._now, self.told = now, []
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield now
            events = self.told
            rows = [(event.seq, now, event.type, event.line) for event in events]
            self.insert("event", _EVENT_COLUMNS, rows)
            self.db.execute("COMMIT")
        except BaseException:
            self.seq, self.message_id = seq, message_id
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self._committed(events)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, many a statement."""
        one = f"({marks(columns)})"
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - our own names
        first = 0
        for size in ROWS_A_STATEMENT:
            until = len(rows) - (len(rows) - first) % size
            if until > first:
                several = (chain.from_iterable(rows[at : at + size]) for at in range(first, until, size))
                self.db.executemany(head + ", ".join([one] * size), map(tuple, several))
            first = until

    def tell(self, draft: Draft) -> None:
        """Write this event with the transaction that is open."""
        self.seq += 1
        self.told.append(encode(draft, seq=self.seq, ts=self._now, session=self.session))

    def tell_message(self, id_: int, channel: str, key: str | None, state: str, reason: str) -> None:
        """Write with the open transaction that this message is in this state now."""
        fields = {"id": id_, "key": key, "channel": channel, "state": state, "reason": reason}
        self.tell(Draft(type=EventType.MESSAGE, fields=fields))
