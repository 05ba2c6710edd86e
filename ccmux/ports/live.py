"""What live status needs of the outside: transcripts that grow, the relay, and what the publisher keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from ccmux.core.live.metrics import Totals
from ccmux.core.live.registration import Registration


class Position(msgspec.Struct, frozen=True):
    """How far a file has been read.

    Attributes:
        offset: Behind the last whole line.
        before: What stood before `offset`, so that another file in its place is recognised.
        skipping: `offset` is in the middle of a line too long to be read.

    """

    offset: int = 0
    before: str = ""
    skipping: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines, and the position behind them.

    `again`: the file is another one, or was cut: these are its first lines, and all that was read of it
    before is void.
    """

    lines: Sequence[bytes]
    position: Position
    again: bool = False


class GrowingFiles(Protocol):
    """Files to which others append lines."""

    def changed_at(self, path: str) -> float | None:
        """Return when it changed last (epoch seconds); None where there is no such file."""
        ...

    def grown(self, path: str, position: Position) -> Iterator[Lines]:
        """Read what stands behind a position, a piece at a time; nothing where nothing is new."""
        ...

    def below(self, transcript: str) -> Sequence[str]:
        """Return the transcripts of the subagents of the session that writes this one."""
        ...


class PublisherLock(Protocol):
    """Who holds it is the only publisher of this user on this machine."""

    def take(self) -> bool:
        """Try to take it; False where another one has it."""
        ...

    def is_held(self) -> bool:
        """Tell whether we still are the publisher; we are not where somebody deleted the lock's file."""
        ...

    def release(self) -> None:
        """Let others be it."""
        ...


@dataclass(slots=True)
class KeptSession:
    """A session as it is kept: who it is, what it did, and how far its transcripts were read.

    `born` is the start of its process as /proc tells it, "" where the process is not known. `claims` are
    those that are new since it was kept last; of one that was read from the store all.
    """

    registration: Registration
    born: str = ""
    totals: Totals = field(default_factory=Totals)
    positions: dict[str, Position] = field(default_factory=dict)
    claims: Mapping[int, int] = field(default_factory=dict)


class LiveStore(Protocol):
    """What the publisher remembers from one life to the next."""

    async def sessions(self) -> list[KeptSession]:
        """Return all sessions, the oldest first."""
        ...

    async def keep(self, sessions: Collection[KeptSession]) -> None:
        """Keep sessions as they are now; their claims are added to those that are kept."""
        ...

    async def drop(self, session_ids: Collection[str]) -> None:
        """Forget sessions and all they claimed."""
        ...


class Relay(Protocol):
    """The relay, wherever it is."""

    async def post(self, path: str, body: bytes) -> None:
        """Post a body.

        Raises:
            RelayFailed: It is not there, or did not take it.

        """
        ...
