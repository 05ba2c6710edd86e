"""What outlives the daemon beside the messages: the session Claude is in, and a person's pause.

It keeps every session that was ever hosted, and never replaces a transcript's path there by an unknown one.
"""

from __future__ import annotations

from ccmux.drivers.sqlite.connection import Connection
from ccmux.ports import HostedSession


def hosted(connection: Connection) -> HostedSession | None:
    row = connection.db.execute("SELECT session_id, transcript_path, spoken, read_to FROM hosted").fetchone()
    if row is None:
        return None
    return HostedSession(session_id=row[0], transcript_path=row[1], spoken=bool(row[2]), offset=row[3])


def host(connection: Connection, session: HostedSession) -> None:
    with connection.transaction() as now:
        connection.db.execute(
            "INSERT INTO session VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " transcript_path = coalesce(nullif(excluded.transcript_path, ''), transcript_path)",
            (session.session_id, session.transcript_path, now),
        )
        connection.db.execute(
            "INSERT INTO hosted VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " session_id = excluded.session_id, transcript_path = excluded.transcript_path,"
            " spoken = excluded.spoken, read_to = excluded.read_to",
            (session.session_id, session.transcript_path, session.spoken, session.offset),
        )


def paused(connection: Connection) -> bool:
    return bool(connection.one("SELECT count(*) FROM pause"))


def pause(connection: Connection, *, on: bool) -> None:
    with connection.transaction():
        connection.db.execute("INSERT OR IGNORE INTO pause VALUES (1)" if on else "DELETE FROM pause")
