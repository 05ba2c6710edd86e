"""How messages come in: a batch from the doors, with how far it read them, is one transaction.

It owns the senders' keys, taken once each on a channel, and skips what is not to be taken while an earlier
message of that name waits. What becomes of a message is otherwise nothing to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccmux.core.events import Event, EventType, QueuedLines
from ccmux.core.messages import Incoming, MessageState, Rejected
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.rows import WRITTEN_COLUMNS, as_json
from ccmux.drivers.sqlite.schema import UNPROVED
from ccmux.ports import ReadTo, Taken

SHOWN_BYTES = 65_536
"""So much of a line that is no message is shown as text in lists."""

_MESSAGE_EVENT = EventType.MESSAGE


def take_in(
    connection: Connection, batch: Sequence[Incoming | Rejected], *, read_to: Mapping[str, ReadTo]
) -> list[Taken]:
    answers: list[Taken] = []
    rows: list[tuple[Any, ...]] = []
    named: dict[tuple[str, str], int] = {}
    with connection.transaction() as now:
        queued = QueuedLines(ts=now, session=connection.session)
        for item in batch:
            if isinstance(item, Rejected):
                rows.append(_dead_row(connection, item, now))
                answers.append(Taken(connection.message_id))
                continue
            key = item.key
            name = item.unless_waiting
            if name is not None:
                in_the_way = _in_the_way(connection, item, named)
                if in_the_way is not None:
                    answers.append(in_the_way)
                    continue
                named[item.channel, name] = connection.message_id + 1
            if key is not None and (known := known_key(connection, item.channel, key, now)) is not None:
                answers.append(Taken(known, duplicate=True))
                continue
            connection.message_id = id_ = connection.message_id + 1
            connection.seq = seq = connection.seq + 1
            line = queued.line(seq=seq, id_=id_, key=key, channel=item.channel)
            connection.told.append(Event(seq=seq, type=_MESSAGE_EVENT, line=line))
            meta = as_json(item.meta) if item.meta else "{}"
            paths = as_json(item.attachments) if item.attachments else "[]"
            rows.append(
                (
                    *(id_, item.channel, item.content, item.ts, key, meta, paths),
                    *(None, "queued", "", now, None),
                )
            )
            answers.append(Taken(id_))
        connection.insert("message", WRITTEN_COLUMNS, rows)
        # Not a column of every insert: nearly no message has one, and a hundred thousand come a second.
        connection.db.executemany(
            "UPDATE message SET unless_waiting = ? WHERE id = ?",
            [(name, id_) for (_, name), id_ in named.items()],
        )
        connection.db.executemany(
            "INSERT OR REPLACE INTO read_to VALUES (?, ?, ?)",
            [(door, read.stream, read.offset) for door, read in read_to.items()],
        )
    return answers


def doors_read_to(connection: Connection) -> dict[str, ReadTo]:
    rows = connection.db.execute("SELECT door, stream, offset FROM read_to")
    return {door: ReadTo(stream, offset) for door, stream, offset in rows}


def known_key(
    connection: Connection, channel: str, key: str, now: float, *, taker: int | None = None
) -> int | None:
    """Return the message that took this key, or take it for `taker`; None is the next message."""
    new = connection.db.execute(
        "INSERT INTO taken_key VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (channel, key, connection.message_id + 1 if taker is None else taker, now),
    ).rowcount
    if new:
        return None
    return connection.one("SELECT message FROM taken_key WHERE channel = ? AND key = ?", (channel, key))


def _in_the_way(connection: Connection, item: Incoming, named: dict[tuple[str, str], int]) -> Taken | None:
    """Return why a message with `unless_waiting` is not taken, None where it is.

    Its key comes first, and is not taken here: whoever sends again because he got no answer must hear that
    his message was taken, and not be skipped for it.

    Args:
        connection: In the transaction that takes it.
        item: The message.
        named: What this transaction has taken and not written yet: numbers by channel and name.
    """
    channel, key, name = item.channel, item.key, item.unless_waiting
    if key is not None:
        taker = connection.db.execute(
            "SELECT message FROM taken_key WHERE channel = ? AND key = ?", (channel, key)
        ).fetchone()
        if taker is not None:
            return Taken(taker[0], duplicate=True)
    assert name is not None  # noqa: S101 - for the type checker
    waits = named.get((channel, name))
    if waits is None:
        row = connection.db.execute(
            f"SELECT min(id) FROM message WHERE channel = ? AND unless_waiting = ? AND {UNPROVED}",  # noqa: S608
            (channel, name),
        ).fetchone()
        waits = row[0]
    return None if waits is None else Taken(waits, skipped=True)


def _dead_row(connection: Connection, item: Rejected, now: float) -> tuple[Any, ...]:
    connection.message_id = id_ = connection.message_id + 1
    connection.tell_message(id_, item.channel, None, MessageState.DEAD, item.reason)
    shown = item.raw[:SHOWN_BYTES].decode("utf-8", "replace")
    return (
        *(id_, item.channel, shown, now, None, "{}", "[]", item.raw),
        *("dead", item.reason, now, item.whole_bytes),
    )
