"""Turns, each recorded once: the messages they answer, and the continuation of those that were cut.

It never decides whether a turn is gone on with, only how often: `CONTINUATIONS_MAX`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ccmux.core.continuation import CONTINUATIONS_MAX, CUT
from ccmux.core.events import Draft, EventType
from ccmux.core.messages import Incoming, MessageState
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.rows import WRITTEN_COLUMNS, as_json, marks
from ccmux.drivers.sqlite.schema import OPEN
from ccmux.drivers.sqlite.states import answer
from ccmux.ports import FinishedTurn


def finish_turn(connection: Connection, turn: FinishedTurn) -> bool:
    with connection.transaction() as now:
        outcome = str(turn.fields.get("outcome", "finished"))
        new = connection.db.execute(
            "INSERT INTO turn VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (turn.session_id, turn.prompt_id, outcome, now),
        ).rowcount
        connection.db.execute(
            "UPDATE hosted SET spoken = 1, read_to = max(read_to, ?) WHERE session_id = ?",
            (turn.resume_offset, turn.session_id),
        )
        if not new:
            return False
        ids = _carried_by(connection, turn.prompt_id)
        fields = {**turn.fields, "prompt_id": turn.prompt_id, "message_ids": ids}
        connection.tell(Draft(type=EventType.TURN, fields=fields))
        reason = "" if outcome == "finished" else f"turn {outcome}"
        going_on: set[int] = set()
        if turn.continuation is not None:
            going_on = _continue(connection, ids, turn.continuation, now)
        answer(connection, [id_ for id_ in ids if id_ not in going_on], reason=reason, now=now)
    return True


def last_turn_at(connection: Connection) -> float | None:
    [at] = connection.db.execute("SELECT max(ended_at) FROM turn").fetchone()
    return None if at is None else float(at)


def _carried_by(connection: Connection, prompt_id: str) -> list[int]:
    """Return the messages of this prompt, and those that a continuation among them went on with."""
    rows = connection.db.execute(
        f"SELECT id FROM message WHERE prompt_id = ? AND state IN ({OPEN})"  # noqa: S608
        " AND id NOT IN (SELECT message FROM continued)"
        " UNION SELECT continued.message FROM continued"
        " JOIN message ON message.id = continuation WHERE message.prompt_id = ? ORDER BY 1",
        (prompt_id, prompt_id),
    )
    return [id_ for (id_,) in rows]


def _continue(connection: Connection, ids: Sequence[int], continuation: Incoming, now: float) -> set[int]:
    """Queue what goes on with these messages, and return those that wait for its end."""
    rows = connection.db.execute(
        f"SELECT id, channel, key FROM message WHERE id IN ({marks(ids)})"  # noqa: S608 - marks only
        " AND id NOT IN (SELECT continuation FROM continued)"
        " AND id NOT IN (SELECT message FROM continued WHERE times >= ?) ORDER BY id",
        (*ids, CONTINUATIONS_MAX),
    ).fetchall()
    if not rows:
        return set()
    connection.message_id = new = connection.message_id + 1
    connection.tell_message(new, continuation.channel, continuation.key, MessageState.QUEUED, "")
    meta = as_json({"continues": [id_ for id_, _, _ in rows]})
    one = (new, continuation.channel, continuation.content, continuation.ts, continuation.key, meta)
    connection.insert("message", WRITTEN_COLUMNS, [(*one, "[]", None, "queued", "", now, None)])
    reason = f"{CUT}; message {new} asks Claude to go on"
    for id_, channel, key in rows:
        connection.db.execute(
            "INSERT INTO continued VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET continuation = excluded.continuation, times = times + 1",
            (id_, new),
        )
        connection.db.execute(
            "UPDATE message SET state = 'started', reason = ?, changed_at = ? WHERE id = ?",
            (reason, now, id_),
        )
        connection.tell_message(id_, channel, key, MessageState.STARTED, reason)
    return {id_ for id_, _, _ in rows}
