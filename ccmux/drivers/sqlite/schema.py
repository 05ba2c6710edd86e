"""The tables and how they came to be: opens the file and takes the steps it has not taken yet.

It never edits a step that stands, and never touches a database that a newer ccmux wrote. Before steps are
taken on a database that has some, a copy of it is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import structlog

from ccmux.core.doctor.database import put_back
from ccmux.core.errors import StoreFailed
from ccmux.core.messages import OPEN_STATES, MessageState
from ccmux.drivers.sqlite.backup import back_up, backups, schema_of

BUSY_AT_START_MS = 5_000
"""How long SQLite itself waits for another program (a backup, a sqlite3 shell) while a file is opened."""

OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
_STATES = ", ".join(f"'{state}'" for state in MessageState)

IN_FLIGHT = "batch IS NOT NULL AND state IN ('typing', 'submitted', 'started', 'uncertain')"
"""SQLite can use a partial index only where a query says the very words of its WHERE, and left alone it walks
through all messages instead. The first half spares a new message the second."""
BY_FLIGHT = "message INDEXED BY message_in_flight"

UNPROVED = "unless_waiting IS NOT NULL AND state IN ('queued', 'typing', 'uncertain')"
"""As for IN_FLIGHT; the states are `UNPROVED_STATES`."""

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
    CREATE INDEX message_open ON message (state, id) WHERE state IN ({OPEN});
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
    CREATE INDEX message_in_flight ON message (batch) WHERE {IN_FLIGHT};
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
    f"""
    ALTER TABLE message ADD COLUMN unless_waiting TEXT;
    CREATE INDEX message_unproved ON message (channel, unless_waiting) WHERE {UNPROVED};
    CREATE INDEX turn_ended ON turn (ended_at);
    """,
    """
    ALTER TABLE message ADD COLUMN taken_at REAL;
    """,
    """
    CREATE TABLE run (
        id         INTEGER PRIMARY KEY,
        started_at REAL NOT NULL,
        alive_at   REAL NOT NULL,
        ended_at   REAL
    ) STRICT;
    """,
)
"""Numbered steps; `user_version` is the number of steps a database has taken. Steps are never edited."""

log = structlog.get_logger()


def open_database(path: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """Open or make the file (0600) and bring its schema up to date: it has taken all these steps then.

    Raises:
        StoreFailed: A newer ccmux wrote it, or no backup can be kept of it.
        sqlite3.Error: It cannot be opened, or is damaged.
        OSError: It cannot be made.

    """
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA busy_timeout = {BUSY_AT_START_MS}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _migrate(db, path, migrations)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    [taken] = db.execute("PRAGMA user_version").fetchone()
    known = len(migrations)
    refuse_newer(path, taken, known=known)
    if 0 < taken < known:
        backup = back_up(db, path, schema=taken)
        log.info("database backed up", path=str(backup), schema=taken, becomes=known)
    for number, step in enumerate(migrations[taken:], start=taken + 1):
        db.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")


def refuse_newer(path: Path, taken: int, *, known: int = len(MIGRATIONS)) -> None:
    """Refuse a database that has taken steps we do not know.

    Raises:
        StoreFailed: It has.

    """
    if taken <= known:
        return
    way_out = "upgrade this one"
    usable = [backup for backup in backups(path) if schema_of(backup) <= known]
    if usable:
        way_out += f"; or lose what came since the upgrade: `{put_back(str(path), str(usable[0]))}`"
    reason = f"a newer ccmux wrote it (schema {taken}; this one knows {known})"
    raise StoreFailed(str(path), reason, way_out)
