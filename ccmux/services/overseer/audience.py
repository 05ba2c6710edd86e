"""Who hears what: clients, what they asked to hear, and the end of one that does not read.

Everything is encoded once, and written to each client in one piece. Nobody waits for anybody: what a client
has not taken is bounded, and one that lags by more is cut off and told why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog

from ccmux.websocket import TRY_AGAIN_LATER, Peer, text_frame

BACKLOG_BYTES = 8 * 1_048_576
"""A client that lags by more is cut off."""

BEHIND_BYTES = 262_144
"""A client that lags by more holds back the task it listens to, for a moment."""

log = structlog.get_logger()


@dataclass(slots=True)
class Hearing:
    """What one client hears: before it has asked for anything, of all tasks, as the older clients expect.

    Attributes:
        everything: Of every task but those in `muted`; else of those in `chosen`.
        chosen: What it asked for by name.
        muted: What it asked to hear no more of.
        has_asked: It has said what it wants to hear, and so hears of starts that others asked for, too.

    """

    everything: bool = True
    chosen: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    has_asked: bool = False

    def of(self, task_id: str) -> bool:
        """Tell whether it hears of this task."""
        return task_id not in self.muted if self.everything else task_id in self.chosen

    def choose(self, task_id: str, *, on: bool) -> None:
        """Hear of this task, "" is all, or no more. The first that is named ends hearing of all others."""
        if not task_id:
            self.everything = on
            self.chosen.clear()
            self.muted.clear()
        elif on:
            self.everything = self.everything and self.has_asked
            self.chosen.add(task_id)
            self.muted.discard(task_id)
        else:
            self.chosen.discard(task_id)
            self.muted.add(task_id)
        self.has_asked = True


class Audience:
    """The clients. All methods belong to the loop, and none of them waits."""

    def __init__(self, caught_up: Callable[[], None], *, backlog_bytes: int = BACKLOG_BYTES) -> None:
        """Call `caught_up` once no client lags any more."""
        self._caught_up = caught_up
        self._backlog_bytes = backlog_bytes
        self._hearing: dict[Peer, Hearing] = {}
        self._behind: set[Peer] = set()
        self.cut_off = 0
        """How many were cut off so far."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._hearing)

    def join(self, peer: Peer) -> None:
        """Take a client in."""
        self._hearing[peer] = Hearing()

    def leave(self, peer: Peer) -> None:
        """Forget a client."""
        self._hearing.pop(peer, None)
        self.drained(peer)

    def drained(self, peer: Peer) -> None:
        """Take that a client which lagged has caught up."""
        if peer in self._behind:
            self._behind.discard(peer)
            if not self._behind:
                self._caught_up()

    def choose(self, peer: Peer, task_id: str, *, on: bool) -> None:
        """Let a client hear of this task, "" is all, or no more."""
        hearing = self._hearing.get(peer)
        if hearing is not None:  # else it was cut off, and does not know yet
            hearing.choose(task_id, on=on)

    def follow(self, peer: Peer, task_id: str) -> None:
        """Let a client that chooses what it hears hear of the task it starts."""
        hearing = self._hearing.get(peer)
        if hearing is not None and not hearing.everything:
            hearing.chosen.add(task_id)

    def answer(self, peer: Peer, *texts: bytes) -> None:
        """Send these to one client."""
        self._send(peer, b"".join(map(text_frame, texts)))

    def tell(self, task_id: str, frames: bytes, *, but: Collection[Peer] = (), chosen: bool = False) -> None:
        """Send frames about a task to all who hear of it.

        Args:
            task_id: The task.
            frames: Any number, in one piece.
            but: Clients that are told otherwise.
            chosen: Only to those who have said what they want to hear.

        """
        for peer, hearing in tuple(self._hearing.items()):
            if hearing.of(task_id) and peer not in but and (hearing.has_asked or not chosen):
                self._send(peer, frames)

    def lags(self, task_id: str) -> bool:
        """Tell whether somebody who hears of this task cannot follow."""
        return any(self._hearing[peer].of(task_id) for peer in self._behind)

    def _send(self, peer: Peer, frames: bytes) -> None:
        if peer not in self._hearing:  # it left, or was cut off and does not know yet
            return
        if peer.behind_bytes > self._backlog_bytes:
            self.cut_off += 1
            log.warning("client cut off", behind_bytes=peer.behind_bytes)
            self.leave(peer)
            peer.close(TRY_AGAIN_LATER, "too slow: what happens is not read; come back and ask for a replay")
            return
        peer.send(frames)
        if peer.behind_bytes > BEHIND_BYTES:
            self._behind.add(peer)
