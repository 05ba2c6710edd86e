"""The dead letters: listed, tried again or dropped from the list. It never deletes a byte of one."""

from __future__ import annotations

from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Incoming, MessageState
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.intake import known_key
from ccmux.drivers.sqlite.rows import as_json
from ccmux.drivers.sqlite.states import set_state
from ccmux.ports import Taken

DROPPED = "dropped; it was: "
"""So begins the reason that the event of a drop gives; the letter's own follows."""


def dead_letters(connection: Connection, limit: int) -> list[DeadLetter]:
    return _select(connection, "ORDER BY id DESC LIMIT ?", limit)


def dead_letter(connection: Connection, id_: int) -> DeadLetter | None:
    letters = _select(connection, "AND id = ?", id_)
    return letters[0] if letters else None


def revive(connection: Connection, id_: int, parsed: Incoming | None) -> Taken | None:
    with connection.transaction() as now:
        if dead_letter(connection, id_) is None:
            return None
        if parsed is not None:
            if parsed.key is not None:
                known = known_key(connection, parsed.channel, parsed.key, now, taker=id_)
                if known is not None and known != id_:
                    return Taken(known, duplicate=True)
            connection.db.execute(
                "UPDATE message SET channel = ?, content = ?, ts = ?, key = ?, meta = ?, attachments = ?,"
                " unless_waiting = ? WHERE id = ?",
                (
                    *(parsed.channel, parsed.content, parsed.ts, parsed.key),
                    *(as_json(parsed.meta), as_json(parsed.attachments), parsed.unless_waiting, id_),
                ),
            )
        # What was typed before proves nothing about the new try.
        connection.db.execute("UPDATE message SET batch = NULL, prompt_id = NULL WHERE id = ?", (id_,))
        set_state(connection, (id_,), MessageState.QUEUED, reason="tried again", now=now)
    return Taken(id_)


def drop(connection: Connection, id_: int) -> bool:
    with connection.transaction() as now:
        dropped = connection.db.execute(
            "UPDATE message SET dropped_at = ? WHERE id = ? AND state = 'dead' AND dropped_at IS NULL"
            " RETURNING channel, key, reason",
            (now, id_),
        ).fetchone()
        if dropped is not None:
            channel, key, reason = dropped
            connection.tell_message(id_, channel, key, MessageState.DEAD, f"{DROPPED}{reason}")
    return dropped is not None


def _select(connection: Connection, clause: str, value: int) -> list[DeadLetter]:
    rows = connection.db.execute(
        "SELECT id, channel, changed_at, reason, key, raw, content, whole_bytes FROM message"  # noqa: S608
        f" WHERE state = 'dead' AND dropped_at IS NULL {clause}",
        (value,),
    )
    return [
        DeadLetter(
            id=id_,
            channel=channel,
            at=at,
            reason=reason,
            key=key,
            raw=raw,
            content=content,
            whole_bytes=whole_bytes,
        )
        for id_, channel, at, reason, key, raw, content, whole_bytes in rows
    ]
