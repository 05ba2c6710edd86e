"""The messages between their coming and their answer: what waits, what is typed, where each stands.

What is asked at every step of the house never walks through all messages. Turns end them: see `turns.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ccmux.core.messages import Message, MessageState
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.rows import READ_COLUMNS, marks, message_of
from ccmux.drivers.sqlite.schema import BY_FLIGHT, IN_FLIGHT
from ccmux.drivers.sqlite.states import set_state
from ccmux.ports import ExpectedPrompt


def waiting(connection: Connection, limit: int) -> list[Message]:
    # `+` keeps SQLite from walking through all that is queued: continuations are few.
    going_on = _select(
        connection, "id IN (SELECT continuation FROM continued) AND +state = 'queued' ORDER BY id LIMIT 1"
    )
    return going_on or _select(connection, "state = 'queued' ORDER BY id LIMIT ?", (limit,))


def in_flight(connection: Connection) -> list[Message]:
    return _select(connection, f"{IN_FLIGHT} ORDER BY id", source=BY_FLIGHT)


def begin_typing(connection: Connection, ids: Sequence[int], *, lead: str, body: str) -> None:
    with connection.transaction() as now:
        batch = connection.db.execute(
            "INSERT INTO batch (lead, body, typed_at) VALUES (?, ?, ?)", (lead, body, now)
        ).lastrowid
        connection.db.execute(
            f"UPDATE message SET batch = ? WHERE id IN ({marks(ids)})",  # noqa: S608 - marks only
            (batch, *ids),
        )
        set_state(connection, ids, MessageState.TYPING, reason="", now=now)


def expected(connection: Connection) -> list[ExpectedPrompt]:
    rows = connection.db.execute(
        "SELECT group_concat(message.id), lead, body, typed_at, min(state = 'submitted')"  # noqa: S608
        f" FROM {BY_FLIGHT} JOIN batch ON batch.id = message.batch"
        f" WHERE {IN_FLIGHT} AND state <> 'started' GROUP BY batch.id ORDER BY batch.id"
    )
    return [
        ExpectedPrompt(
            ids=tuple(sorted(int(id_) for id_ in ids.split(","))),
            lead=lead,
            body=body,
            typed_at=typed_at,
            submitted=bool(submitted),
        )
        for ids, lead, body, typed_at, submitted in rows
    ]


def move(
    connection: Connection, ids: Collection[int], state: MessageState, *, reason: str, prompt_id: str | None
) -> None:
    with connection.transaction() as now:
        set_state(connection, ids, state, reason=reason, now=now, prompt_id=prompt_id)


def with_id_or_key(connection: Connection, id_or_key: str) -> list[Message]:
    number = int(id_or_key) if id_or_key.isascii() and id_or_key.isdecimal() else -1
    values = (min(number, 2**63 - 1), id_or_key)
    return _select(connection, "id = ? OR key = ? ORDER BY id DESC", values)


def newest(connection: Connection, *, states: Collection[MessageState], limit: int) -> list[Message]:
    wanted = list(states or MessageState)
    where = f"state IN ({marks(wanted)}) ORDER BY id DESC LIMIT ?"
    return _select(connection, where, (*wanted, limit))


def counts(connection: Connection) -> dict[str, int]:
    found = dict.fromkeys((state.value for state in MessageState), 0)
    found["queued"] = connection.one("SELECT count(*) FROM message WHERE state = 'queued'")
    flying = f"SELECT state, count(*) FROM {BY_FLIGHT} WHERE {IN_FLIGHT} GROUP BY state"  # noqa: S608
    found |= dict(connection.db.execute(flying))
    dead = connection.one("SELECT count(*) FROM message WHERE state = 'dead'")
    # Messages are never deleted, so the rest is a subtraction, not a walk through years of them.
    found["answered"] = connection.message_id - dead - sum(found.values())
    found["dead"] = connection.one("SELECT count(*) FROM message WHERE state = 'dead' AND dropped_at IS NULL")
    return found


def _select(
    connection: Connection, where: str, values: Sequence[Any] = (), *, source: str = "message"
) -> list[Message]:
    sql = f"SELECT {READ_COLUMNS} FROM {source} WHERE {where}"  # noqa: S608 - our own clauses
    return [message_of(row) for row in connection.db.execute(sql, values)]
