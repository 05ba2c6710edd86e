"""The way in: the doors that intake reads, and how far they have been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReadTo:
    """How far a door's bytes are on disk as messages: `offset` counts from the start of the run `stream`."""

    stream: str
    offset: int


NOTHING_READ: Mapping[str, ReadTo] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class InputChunk:
    """What was read from one door at once; lines may begin and end anywhere in it.

    `door` is the FIFO's name: two doors may feed one channel, and their lines must not be mixed.
    `ended`: nobody writes on what was begun: a last line without a newline is a whole one.
    `stream` and `end` say where its last byte stands among the door's bytes (`ReadTo`).
    """

    door: str
    channel: str
    data: bytes
    ended: bool = False
    stream: str = ""
    end: int = 0


class Inputs(Protocol):
    """The doors: the FIFO `in`, which is made, and every `in.*`, which adapters make.

    What was read and not told `done` is handed out again by the next daemon, whatever became of this one.
    """

    def make(self) -> None:
        """Make the FIFO `in` and open nothing: who writes to it waits, rather than make a plain file.

        Raises:
            RuntimeDirUnsafe: The directory cannot be made again.
            AlreadyRunning: Another daemon has it.
        """
        ...

    def opened(self, read_to: Mapping[str, ReadTo] = NOTHING_READ) -> AbstractContextManager[None]:
        """Find doors as they come and go; outside this context there are none.

        Args:
            read_to: How far each door's bytes have become messages; what lies behind is handed out first.

        Raises:
            RuntimeDirUnsafe: The directory cannot be made again.
            AlreadyRunning: Another daemon has it.
            StateDirUnsafe: There is no place for what is read.
        """
        ...

    async def next(self) -> Sequence[InputChunk]:
        """Wait for what writers wrote. A door is not read again before `done` is told of its chunk.

        Raises:
            RuntimeDirUnsafe: The directory was deleted and cannot be made again.
            AlreadyRunning: Another daemon took it meanwhile.
        """
        ...

    def done(self, chunks: Sequence[InputChunk], read_to: Mapping[str, ReadTo] = NOTHING_READ) -> None:
        """Say that these are on disk; of a door in `read_to` so far, of any other to the chunk's end."""
        ...

    def rest(self) -> Sequence[InputChunk]:
        """Read no more; return what was read and not handed out, and what stands in the pipes."""
        ...
