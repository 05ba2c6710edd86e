"""The outbox: what Claude sent and no reader has taken yet. It never delivers."""

from __future__ import annotations

from ccmux.core.events import Draft, EventType
from ccmux.core.outgoing import Outgoing
from ccmux.drivers.sqlite.connection import Connection
from ccmux.ports import Taken


def put_out(connection: Connection, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
    with connection.transaction():
        row = connection.db.execute(
            "INSERT INTO outgoing (key, ts, channel, message) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING id",
            (key, ts, channel, message),
        ).fetchone()
        if row is not None:
            return Taken(row[0])
        known = connection.one("SELECT id FROM outgoing WHERE channel = ? AND key = ?", (channel, key))
        return Taken(known, duplicate=True)


def next_out(connection: Connection, channel: str) -> Outgoing | None:
    row = connection.db.execute(
        "SELECT id, key, ts, channel, message FROM outgoing"
        " WHERE channel = ? AND delivered_at IS NULL ORDER BY id LIMIT 1",
        (channel,),
    ).fetchone()
    if row is None:
        return None
    return Outgoing(
        id=row[0], key=row[1], ts=row[2], channel=row[3], message=row[4], session=connection.session
    )


def delivered(connection: Connection, out_id: int) -> None:
    with connection.transaction() as now:
        row = connection.db.execute(
            "UPDATE outgoing SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL"
            " RETURNING channel, key",
            (now, out_id),
        ).fetchone()
        if row is not None:
            fields = {"event": "delivered", "channel": row[0], "id": row[1] or str(out_id)}
            connection.tell(Draft(type=EventType.CHANNEL, fields=fields))


def out_waiting(connection: Connection) -> dict[str, int]:
    return dict(
        connection.db.execute(
            "SELECT channel, count(*) FROM outgoing WHERE delivered_at IS NULL GROUP BY channel"
        )
    )
