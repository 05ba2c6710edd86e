"""How values stand in rows, for the rooms that write and read the table `message`. It never runs SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ccmux.core.messages import Message, MessageState

WRITTEN_COLUMNS = (
    *("id", "channel", "content", "ts", "key", "meta", "attachments", "raw"),
    *("state", "reason", "changed_at", "whole_bytes"),
)
"""What a new message's row says."""

READ_COLUMNS = (
    "id, channel, content, ts, key, meta, attachments, state, reason, prompt_id,"
    " coalesce(taken_at, changed_at)"
)
"""What `message_of` reads. `taken_at` is kept when `changed_at` is first overwritten: see `states.py`."""


def message_of(row: tuple[Any, ...]) -> Message:
    """Return the message in a row of READ_COLUMNS."""
    id_, channel, content, ts, key, meta, attachments, state, reason, prompt_id, taken_at = row
    return Message(
        id=id_,
        channel=channel,
        content=content,
        ts=ts,
        key=key,
        meta=msgspec.json.decode(meta),
        attachments=tuple(msgspec.json.decode(attachments)),
        state=MessageState(state),
        reason=reason,
        prompt_id=prompt_id,
        taken_at=taken_at,
    )


def as_json(value: Any) -> str:
    """Return a value as its column holds it."""
    return msgspec.json.encode(value).decode()


def marks(values: Iterable[Any]) -> str:
    """Return a `?` for each value: values are bound, never formatted."""
    return ", ".join("?" for _ in values)
