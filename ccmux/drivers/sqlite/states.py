"""How messages change their state, whoever moves them. Called inside a transaction, which it never begins.

It never moves a message where `messages.FOLLOWS` does not allow it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ccmux.core.continuation import CUT
from ccmux.core.messages import FOLLOWS, MessageState
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.rows import marks

SAID_ANEW = "state = ?, reason = ?, taken_at = coalesce(taken_at, changed_at), changed_at = ?"
"""The time of its coming is written down when its first change would overwrite it, not at its coming: there a
column more would cost each of a hundred thousand a second."""


def set_state(
    connection: Connection,
    ids: Collection[int],
    state: MessageState,
    *,
    reason: str,
    now: float,
    prompt_id: str | None = None,
) -> None:
    """Move those that may move, and tell of each; a `prompt_id` is remembered also where the state stays."""
    db = connection.db
    if prompt_id is not None:
        db.execute(
            f"UPDATE message SET prompt_id = ? WHERE id IN ({marks(ids)})",  # noqa: S608 - marks only
            (prompt_id, *ids),
        )
    before = [old for old, following in FOLLOWS.items() if state in following]
    moved = db.execute(
        f"UPDATE message SET {SAID_ANEW} WHERE id IN ({marks(ids)})"  # noqa: S608
        f" AND state IN ({marks(before)}) RETURNING id, channel, key",
        (state, reason, now, *ids, *before),
    ).fetchall()
    for id_, channel, key in sorted(moved):
        connection.tell_message(id_, channel, key, state, reason)
    if state is MessageState.DEAD and moved:
        _abandon(connection, [id_ for id_, _, _ in moved], now)


def answer(connection: Connection, ids: Sequence[int], *, reason: str, now: float) -> None:
    """Move messages to `answered`: nothing goes on with them any more."""
    set_state(connection, ids, MessageState.ANSWERED, reason=reason, now=now)
    connection.db.execute(f"DELETE FROM continued WHERE message IN ({marks(ids)})", ids)  # noqa: S608


def _abandon(connection: Connection, dead: Sequence[int], now: float) -> None:
    """Answer the messages that a dead continuation went on with: nobody does that any more."""
    rows = connection.db.execute(
        f"SELECT message FROM continued WHERE continuation IN ({marks(dead)})",  # noqa: S608
        dead,
    ).fetchall()
    answer(connection, [id_ for (id_,) in rows], reason=CUT, now=now)
