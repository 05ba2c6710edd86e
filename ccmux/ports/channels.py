"""The way out as Claude's tools see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class SendOutcome(Enum):
    """What became of a message that Claude sent to a channel."""

    DELIVERED = auto()
    """A reader's pipe holds the whole line."""
    BEHIND = auto()
    """On disk; a reader is there and has not come to it yet."""
    QUEUED = auto()
    """On disk; nobody reads the channel now."""
    DUPLICATE = auto()
    """The caller's id was taken before on this channel: nothing is sent twice."""
    NO_CHANNEL = auto()
    """There is no such channel; `names` are those there are."""
    INVALID = auto()
    """`reason` says which argument is wrong and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The answer to one `send`."""

    outcome: SendOutcome
    names: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """A channel as it stands: `waiting` counts the messages on disk that nobody has read yet."""

    name: str
    has_reader: bool
    waiting: int


class Channels(Protocol):
    """The way out as Claude's tools see it. Raises StoreFailed."""

    async def send(self, channel: str, message: str, *, key: str | None) -> SendResult:
        """Take a message for a channel; once this returns with anything but a refusal it is on disk.

        Args:
            channel: As the caller wrote it, valid or not.
            message: Any text, newlines too.
            key: The caller's own id: the same one on the same channel is delivered once; None: no such care.

        """
        ...

    async def infos(self) -> Sequence[ChannelInfo]:
        """Return every channel that has a FIFO or waiting messages, by name."""
        ...
