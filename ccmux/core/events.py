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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it stands in the log.

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
