"""The publisher's own small database: sessions, what they did, how far they were read, what they claimed.

Its file is another one than a daemon's: one publisher serves all projects of a user. It holds the newest
prompts, as Claude's own transcripts do: 0600.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from ccmux.core.live.metrics import Totals
from ccmux.core.live.registration import Registration
from ccmux.drivers.sqlite.schema import open_database
from ccmux.drivers.sqlite.thread import DatabaseThread
from ccmux.ports import KeptSession, Position

T = TypeVar("T")

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE session (
        session_id      TEXT PRIMARY KEY,
        transcript_path TEXT NOT NULL,
        cwd             TEXT NOT NULL,
        model           TEXT NOT NULL,
        pid             INTEGER NOT NULL,
        born            TEXT NOT NULL,
        sensitive       INTEGER NOT NULL CHECK (sensitive IN (0, 1)),
        registered_at   REAL NOT NULL,
        totals          BLOB NOT NULL,
        positions       BLOB NOT NULL
    ) STRICT;

    CREATE TABLE claim (
        session_id TEXT NOT NULL REFERENCES session (session_id) ON DELETE CASCADE,
        response   INTEGER NOT NULL,
        request    INTEGER NOT NULL,
        PRIMARY KEY (session_id, response)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Numbered steps, as those of the daemon's database."""


class SqliteLiveStore:
    """The `LiveStore` port on SQLite. Made by `open`; ended by `close`."""

    def __init__(self, thread: DatabaseThread, db: sqlite3.Connection) -> None:
        self._thread = thread
        self._db = db

    @classmethod
    async def open(cls, path: Path) -> SqliteLiveStore:
        """Open or make the database (0600) and bring its schema up to date.

        Raises:
            StoreFailed: It cannot be opened, is damaged, or was written by a newer ccmux.

        """
        thread = DatabaseThread(path, on_events=lambda _: None)
        try:
            db = await thread.once(partial(open_database, path, MIGRATIONS))
        except BaseException:
            thread.end()
            raise
        return cls(thread, db)

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._thread.once(self._db.close)
        self._thread.end()

    async def sessions(self) -> list[KeptSession]:
        return await self._thread.for_asker(partial(_sessions, self._db))

    async def keep(self, sessions: Collection[KeptSession]) -> None:
        await self._write(lambda: _keep(self._db, sessions))

    async def drop(self, session_ids: Collection[str]) -> None:
        ids = [(id_,) for id_ in session_ids]
        await self._write(lambda: self._db.executemany("DELETE FROM session WHERE session_id = ?", ids))

    async def _write(self, change: Callable[[], object]) -> None:
        """Make one change whole, or leave all as it was."""

        def transaction() -> None:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                change()
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

        await self._thread.for_asker(transaction)


def _sessions(db: sqlite3.Connection) -> list[KeptSession]:
    rows = db.execute(
        "SELECT session_id, transcript_path, cwd, model, pid, born, sensitive, registered_at,"
        " totals, positions FROM session ORDER BY rowid"
    ).fetchall()
    return [
        KeptSession(
            registration=Registration(
                session_id=id_,
                transcript_path=path,
                cwd=cwd,
                model=model,
                pid=pid,
                sensitive=bool(sensitive),
                at=at,
            ),
            born=born,
            totals=msgspec.json.decode(totals, type=Totals),
            positions=msgspec.json.decode(positions, type=dict[str, Position]),
            claims=dict(db.execute("SELECT response, request FROM claim WHERE session_id = ?", (id_,))),
        )
        for id_, path, cwd, model, pid, born, sensitive, at, totals, positions in rows
    ]


def _keep(db: sqlite3.Connection, sessions: Collection[KeptSession]) -> None:
    for session in sessions:
        of = session.registration
        db.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " transcript_path = excluded.transcript_path, cwd = excluded.cwd, model = excluded.model,"
            " pid = excluded.pid, born = excluded.born, sensitive = excluded.sensitive,"
            " registered_at = excluded.registered_at, totals = excluded.totals,"
            " positions = excluded.positions",
            (
                *(of.session_id, of.transcript_path, of.cwd, of.model, of.pid, session.born),
                *(of.sensitive, of.at),
                *(msgspec.json.encode(session.totals), msgspec.json.encode(session.positions)),
            ),
        )
        claims = ((of.session_id, response, request) for response, request in session.claims.items())
        db.executemany("INSERT OR REPLACE INTO claim VALUES (?, ?, ?)", claims)
