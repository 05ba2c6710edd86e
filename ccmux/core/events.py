"""The public event model: what goes out of output.sock, SSE and `ccmux tail`, one JSON object a line.

The store gives `seq` in the same transaction as the change an event tells of, so an event is published
if and only if its change is on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class EventType(StrEnum):
    """The types a subscriber can ask for; their fields stand in docs/interfaces.md."""

    TURN = "turn"
    MESSAGE = "message"
    STATE = "state"
    PERMISSION_REQUEST = "permission_request"
    PERMISSION_RESOLVED = "permission_resolved"
    CLAUDE = "claude"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event before it has its number: type and fields."""

    type: EventType
    fields: Mapping[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as it stands in the log; one is made for every message, so it is a Struct, which is quick.

    Attributes:
        seq: Grows by one, survives restarts.
        type: One of `EventType`.
        line: The whole JSON line, newline included: encoded once, written to all.
    """

    seq: int
    type: EventType
    line: bytes


def encode(draft: Draft, *, seq: int, ts: float, session: str) -> Event:
    """Return the numbered event; `ts` is epoch seconds, `session` the project's name."""
    body = {"seq": seq, "ts": round(ts, 3), "type": draft.type.value, "session": session, **draft.fields}
    return Event(seq=seq, type=draft.type, line=msgspec.json.encode(body) + b"\n")


class QueuedLines:
    """Writes the one event that comes by the hundred thousand, `message` `queued`, without an encoder.

    The same bytes as `encode` gives for the fields id, key, channel, state, reason.
    """

    def __init__(self, *, ts: float, session: str) -> None:
        """Prepare for the messages of one commit."""
        said_ts, said_session = msgspec.json.encode(round(ts, 3)), msgspec.json.encode(session)
        self._before_id = b',"ts":%b,"type":"message","session":%b,"id":' % (said_ts, said_session)
        self._after_id: dict[str, bytes] = {}

    def line(self, *, seq: int, id_: int, key: str | None, channel: str) -> bytes:
        """Return the line of one event."""
        after = self._after_id.get(channel) if key is None else None
        if after is None:
            says = (msgspec.json.encode(key), msgspec.json.encode(channel))
            after = b',"key":%b,"channel":%b,"state":"queued","reason":""}\n' % says
            if key is None:
                self._after_id[channel] = after
        return b'{"seq":%d%b%d%b' % (seq, self._before_id, id_, after)
