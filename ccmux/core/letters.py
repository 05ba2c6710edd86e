"""Dead letters: what could not be taken as a message, or was given up; and whether one may be tried again.

It reads and decides; what is queued again or dropped is the store's business. A letter is never altered.
"""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.envelope import parse_line
from ccmux.core.messages import Incoming, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message in state `dead` that nobody has dropped.

    Attributes:
        id: Its message's number.
        channel: Of the FIFO it came through, or of the message.
        at: Epoch seconds of its end.
        reason: Why, one clause.
        key: The sender's own id, None where it has none or was never read.
        raw: A line that was no message, to the byte; None for a message that was given up.
        content: The message's text; of a line its readable beginning.
        whole_bytes: How long the line was where `raw` is only its beginning, else None.
    """

    id: int
    channel: str
    at: float
    reason: str
    key: str | None
    raw: bytes | None
    content: str
    whole_bytes: int | None

    @property
    def verbatim(self) -> bytes:
        """What was kept of it: the line's bytes, or the message's text."""
        return self.content.encode() if self.raw is None else self.raw


@dataclass(frozen=True, slots=True)
class AsItStands:
    """It is a message and can be queued again."""


@dataclass(frozen=True, slots=True)
class StillDead:
    """It cannot be queued; `reason` says why and what would do."""

    reason: str


def again(letter: DeadLetter, *, max_line_bytes: int, now_s: float) -> AsItStands | Incoming | StillDead:
    """Return what a dead letter becomes when it is tried again now.

    Args:
        letter: Any.
        max_line_bytes: `[input] max_message_bytes` as it is now.
        now_s: Epoch seconds, for a line that names no time.
    """
    raw = letter.raw
    if raw is None:
        return AsItStands()
    if letter.whole_bytes is not None:
        kept = f"only the first {len(raw)} of its {letter.whole_bytes} bytes were kept"
        return StillDead(f"{kept}: have it sent again, in a file perhaps")
    if len(raw) > max_line_bytes:
        limit = f"it has {len(raw)} bytes, and [input] max_message_bytes is {max_line_bytes}"
        return StillDead(f"{limit}: raise it, restart ccmux and try again")
    parsed = parse_line(raw, fifo_channel=letter.channel, now_s=now_s)
    if isinstance(parsed, Rejected):
        return StillDead(f"it is still no message ({parsed.reason}): have it sent again, mended")
    return parsed
