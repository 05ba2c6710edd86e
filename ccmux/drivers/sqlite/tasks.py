"""The overseer's tasks, in a database of their own: what runs, in which state, what counts against it.

Output is never kept here. The file may be one that an older overseer used: its tables are left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ccmux.core.overseer.retry import Past, RetryPolicy
from ccmux.core.overseer.task import Definition, Record, TaskState
from ccmux.drivers.sqlite.rows import as_json, marks
from ccmux.drivers.sqlite.schema import open_database
from ccmux.drivers.sqlite.thread import DatabaseThread

_STATES = ", ".join(f"'{state}'" for state in TaskState)

STEPS = (
    f"""
    CREATE TABLE task (
        task_id         TEXT PRIMARY KEY,
        command         TEXT NOT NULL,
        args            TEXT NOT NULL,
        retry_policy    TEXT,
        state           TEXT NOT NULL CHECK (state IN ({_STATES})),
        wanted          INTEGER NOT NULL,
        created_at      REAL NOT NULL,
        last_started_at REAL,
        last_exited_at  REAL,
        last_exit_code  INTEGER,
        restart_count   INTEGER NOT NULL,
        pid             INTEGER NOT NULL,
        birth           TEXT NOT NULL,
        exits           TEXT NOT NULL,
        in_a_row        INTEGER NOT NULL,
        error_message   TEXT NOT NULL,
        standing        INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
)

_COLUMNS = (
    *("task_id", "command", "args", "retry_policy", "state", "wanted", "created_at", "last_started_at"),
    *("last_exited_at", "last_exit_code", "restart_count", "pid", "birth", "exits", "in_a_row"),
    *("error_message", "standing"),
)
_SAVE = (
    f"INSERT INTO task ({', '.join(_COLUMNS)}) VALUES ({marks(_COLUMNS)}) ON CONFLICT DO UPDATE SET "  # noqa: S608 - our own names
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)
_LOAD = f"SELECT {', '.join(_COLUMNS)} FROM task ORDER BY created_at, task_id"  # noqa: S608 - our own names


class SqliteTasks:
    """The `TaskStore` port on SQLite. Made by `open`, ended by `close`."""

    def __init__(self, thread: DatabaseThread, db: sqlite3.Connection) -> None:
        self._thread = thread
        self._db = db

    @classmethod
    async def open(cls, path: Path) -> SqliteTasks:
        """Open or make the database (0600).

        Raises:
            StoreFailed: It cannot be opened, is damaged, or was written by a newer ccmux.

        """
        thread = DatabaseThread(path, on_events=lambda _: None)
        try:
            db = await thread.once(partial(open_database, path, STEPS))
        except BaseException:
            thread.end()
            raise
        return cls(thread, db)

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._thread.for_house(self._db.close)
        self._thread.end()

    async def load(self) -> list[Record]:
        """Return all tasks, oldest first."""
        return [_record(row) for row in await self._thread.for_asker(self._rows)]

    async def save(self, records: Sequence[Record]) -> None:
        """Write these as they are now, all or none.

        Raises:
            StoreFailed: It cannot be written now.

        """
        await self._thread.for_asker(partial(self._write, [_row(record) for record in records], ()))

    async def forget(self, task_ids: Sequence[str]) -> None:
        """Delete these.

        Raises:
            StoreFailed: It cannot be written now.

        """
        await self._thread.for_asker(partial(self._write, (), [(task_id,) for task_id in task_ids]))

    def _rows(self) -> list[tuple[Any, ...]]:
        return self._db.execute(_LOAD).fetchall()

    def _write(self, saved: Sequence[tuple[Any, ...]], forgotten: Sequence[tuple[str]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_SAVE, saved)
            self._db.executemany("DELETE FROM task WHERE task_id = ?", forgotten)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._thread.committed(())


def _row(record: Record) -> tuple[Any, ...]:
    policy = record.definition.retry_policy
    return (
        *(record.task_id, record.definition.command, as_json(record.definition.args)),
        None if policy is None else as_json(policy),
        *(record.state.value, record.wanted, record.created_at, record.last_started_at),
        *(record.last_exited_at, record.last_exit_code, record.restart_count, record.pid, record.birth),
        *(as_json(record.past.exits), record.past.in_a_row, record.error_message),
        record.standing,
    )


def _record(row: Sequence[Any]) -> Record:
    column = dict(zip(_COLUMNS, row, strict=True))
    policy = column.pop("retry_policy")
    definition = Definition(
        command=column.pop("command"),
        args=msgspec.json.decode(column.pop("args"), type=tuple[str, ...]),
        retry_policy=None if policy is None else msgspec.json.decode(policy, type=RetryPolicy),
    )
    exits = msgspec.json.decode(column.pop("exits"), type=tuple[float, ...])
    past = Past(exits=exits, in_a_row=column.pop("in_a_row"))
    column |= {"wanted": bool(column["wanted"]), "standing": bool(column["standing"])}
    return Record(definition=definition, past=past, state=TaskState(column.pop("state")), **column)
