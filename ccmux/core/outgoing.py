"""What Claude says to a channel, on its way out. Plain values and the line's form."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message in the outbox.

    Attributes:
        id: The store's number; grows in the order of the calls.
        key: The caller's own id (`send_to_channel(..., id=)`), or None.
        ts: Epoch seconds of the call.
    """

    id: int
    key: str | None
    ts: float
    channel: str
    message: str
    session: str


def line(outgoing: Outgoing) -> bytes:
    """Return the JSON line a reader of `out.<channel>` gets; its `id` is the caller's key or our number."""
    body = {
        "id": outgoing.key if outgoing.key is not None else str(outgoing.id),
        "ts": round(outgoing.ts, 3),
        "channel": outgoing.channel,
        "message": outgoing.message,
        "session": outgoing.session,
    }
    return msgspec.json.encode(body) + b"\n"
