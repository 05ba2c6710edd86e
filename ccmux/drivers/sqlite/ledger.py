"""The ledger: what the database says of all messages, for a proof beside a running daemon and for each start.

It reads alone and changes nothing, not even a schema.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from ccmux.core.errors import StoreFailed
from ccmux.core.ledger import Ledger, TypedBatch
from ccmux.core.messages import MessageState
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.letters import DROPPED
from ccmux.drivers.sqlite.schema import BUSY_AT_START_MS, MIGRATIONS, refuse_newer
from ccmux.drivers.sqlite.troubles import store_failed

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


def broken_promises(connection: Connection) -> dict[str, int]:
    """Return how often each promise is broken among the newest rows; nothing: all hold."""
    newest = (max(0, connection.message_id - CHECKED_ROWS),)
    broken = {name: connection.one(sql, newest) for name, sql in _PROMISES.items()}
    return {name: count for name, count in broken.items() if count}


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
            refuse_newer(path, schema)
            if schema < len(MIGRATIONS):
                reason = f"an older ccmux wrote it (schema {schema}; this one knows {len(MIGRATIONS)})"
                raise StoreFailed(str(path), reason, "start this one there once: it brings it up to date")
            db.execute("BEGIN")
            return _ledger(db, since_seq, since_ts)
    except sqlite3.Error as error:
        raise store_failed(path, error) from error


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
        refused = event["state"] == MessageState.DEAD and not event["reason"].startswith(DROPPED)
        if (event["state"] == MessageState.QUEUED and not event["reason"]) or refused:
            [typed] = db.execute("SELECT batch FROM message WHERE id = ?", (event["id"],)).fetchone()
            if not refused or typed is None:
                return int(event["id"])
    [newest] = db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
    return int(newest) + 1
