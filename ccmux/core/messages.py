"""What a message is on its way: as it came in, as it is kept, and the states it goes through.

Plain values only; who moves a message from state to state is the store's and the services' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class MessageState(StrEnum):
    """Where a message is. `queued → typing → submitted → started → answered`; two more stand beside them."""

    QUEUED = "queued"
    """On disk, waits for the gate."""
    TYPING = "typing"
    """On disk as being typed: the keys may or may not have been sent."""
    SUBMITTED = "submitted"
    """Claude's UserPromptSubmit hook reported our text."""
    STARTED = "started"
    """Claude's transcript holds our text: the turn runs."""
    ANSWERED = "answered"
    """The turn that carried it has ended."""
    UNCERTAIN = "uncertain"
    """Typed, but neither proved nor disproved; it is never typed again without evidence."""
    DEAD = "dead"
    """Given up, with the reason."""


OPEN_STATES = frozenset(
    {
        MessageState.QUEUED,
        MessageState.TYPING,
        MessageState.SUBMITTED,
        MessageState.STARTED,
        MessageState.UNCERTAIN,
    }
)
"""A message in one of these still wants something done."""

UNPROVED_STATES = frozenset({MessageState.QUEUED, MessageState.TYPING, MessageState.UNCERTAIN})
"""A message in one of these waits: nothing proves yet that it has reached Claude."""

FOLLOWS: Mapping[MessageState, frozenset[MessageState]] = {
    MessageState.QUEUED: frozenset({MessageState.TYPING, MessageState.DEAD}),
    MessageState.TYPING: frozenset(MessageState) - {MessageState.TYPING},
    MessageState.SUBMITTED: frozenset(MessageState) - {MessageState.SUBMITTED, MessageState.TYPING},
    MessageState.STARTED: frozenset({MessageState.ANSWERED}),
    MessageState.UNCERTAIN: frozenset(MessageState) - {MessageState.UNCERTAIN, MessageState.TYPING},
    MessageState.ANSWERED: frozenset(),
    MessageState.DEAD: frozenset({MessageState.QUEUED}),
}
"""What may follow a state. Two witnesses (hook and transcript) report in any order; nothing ever goes back
because the slower one speaks later."""


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a writer meant it, before it has a number.

    A Struct: as a dataclass the making of it was an eighth of the time from a FIFO to the disk.

    Attributes:
        channel: Where it came from; a valid channel name.
        content: The text, as written; cleaned only when it is typed.
        ts: Epoch seconds.
        key: The sender's own id, or None. The same key on the same channel is taken once.
        meta: Facts of the sender's, kept and handed on.
        attachments: Absolute paths.
        unless_waiting: A name, or None. It is not taken while an earlier message of its channel with the
            same name is in one of UNPROVED_STATES.

    """

    channel: str
    content: str
    ts: float
    key: str | None = None
    meta: Mapping[str, Any] = {}
    attachments: tuple[str, ...] = ()
    unless_waiting: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that cannot be a message: kept verbatim with the reason.

    Attributes:
        channel: Of the FIFO it came through.
        raw: The line's bytes without its newline; of a very long line its beginning.
        reason: For a person, one clause.
        whole_bytes: How long the line was where `raw` is only its beginning, else None.

    """

    channel: str
    raw: bytes
    reason: str
    whole_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in the queue. `id` grows by arrival; `reason` says why it is where it is, or is empty."""

    id: int
    channel: str
    content: str
    ts: float
    key: str | None
    meta: Mapping[str, Any]
    attachments: tuple[str, ...]
    state: MessageState
    reason: str = ""
    prompt_id: str | None = None
    """Claude's id of the turn that carried it, once known."""
    taken_at: float = 0.0
    """Epoch seconds at which it was taken, by our own clock; `ts` is its sender's word."""
