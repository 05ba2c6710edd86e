"""The one line a subscriber of output.sock may send, and the last one a slow subscriber gets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from ccmux.core.events import EventType


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscriber wants: events above `since` (None: from now on) of these types (empty: all)."""

    since: int | None = None
    types: frozenset[EventType] = frozenset()


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    since: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    types: list[str] = []


def read_request(line: bytes) -> Subscription | str:
    """Return what the line asks for, or one clause that says what is wrong with it."""
    try:
        request = msgspec.json.decode(line, type=_Request)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f'expected {{"since": SEQ, "types": [...]}}: {error}'
    unknown = sorted(set(request.types) - set(EventType))
    if unknown:
        return f"unknown type '{unknown[0]}'; there are: {', '.join(EventType)}"
    return Subscription(request.since, frozenset(EventType(name) for name in request.types))


def error_line(error: str, *, resume_since: int | None = None) -> bytes:
    """Return a last line: what went wrong and, for a slow subscriber, where to go on."""
    body: dict[str, object] = {"type": "error", "error": error}
    if resume_since is not None:
        body["resume_since"] = resume_since
    return msgspec.json.encode(body) + b"\n"
