"""The points of a message's way at which a test may let the daemon die. It names them and kills nobody.

Each stands beside a durable step: before it (what was done is not on disk) or behind it (nobody was told).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Point(StrEnum):
    """A moment between two steps, by the last thing that was done."""

    RECEIVED = "received"
    """Lines or a spool file are read, and not committed."""
    COMMITTED = "committed"
    """They are on disk; the door is not read on, the file not removed."""
    TYPING = "typing"
    """The text that will be typed is on disk; no key was sent."""
    PASTED = "pasted"
    """The text is in Claude's terminal; Enter was not pressed."""
    ENTERED = "entered"
    """Enter was pressed; nobody has proved it."""
    PROVED = "proved"
    """Claude has reported the text; that is not on disk."""
    SUBMITTED = "submitted"
    """That is on disk."""
    TURN_SEEN = "turn-seen"
    """A turn has ended; nothing of that is on disk."""
    EVENT_WRITTEN = "event-written"
    """The turn, its event and its messages' end are on disk."""
    OUTBOX_WRITTEN = "outbox-written"
    """A message of Claude's for a channel is on disk; the tool call is not answered."""
    DELIVERED = "delivered"
    """A reader's pipe holds its line; that is not on disk."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Where to die: at the `nth` time (from 1) that `point` is reached."""

    point: Point
    nth: int


def parse_failpoint(text: str) -> Failpoint | None:
    """Return what `NAME` or `NAME:N` means, None where it is neither."""
    name, colon, count = text.partition(":")
    known = name in set(Point)
    if not known or (colon and not (count.isascii() and count.isdecimal() and int(count) > 0)):
        return None
    return Failpoint(Point(name), int(count or 1))
