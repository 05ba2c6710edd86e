"""The way out as adapters see it: their FIFOs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol


class OutputChange(Enum):
    """What happened to an output FIFO."""

    ADDED = auto()
    REMOVED = auto()
    READER = auto()
    """Somebody opened it for reading."""


class Outputs(Protocol):
    """The `out.*` FIFOs that adapters make in the runtime directory."""

    def watch(self, callback: Callable[[str, OutputChange], None]) -> AbstractContextManager[None]:
        """Find FIFOs as they come and go, and tell of each channel's changes; those there are now at once.

        Outside this context no channel is known.
        """
        ...

    def channels(self) -> frozenset[str]:
        """Return the channels that have a FIFO now."""
        ...

    def has_reader(self, channel: str) -> bool:
        """Tell whether somebody has the channel's FIFO open for reading now."""
        ...

    async def write_line(self, channel: str, data: bytes) -> bool:
        """Write a whole line, as fast as the reader reads; one call at a time a channel.

        False: no reader, or it left before the line was whole; then all of it must be written again.
        """
        ...
