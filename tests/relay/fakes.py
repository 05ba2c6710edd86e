"""A viewer that takes what it is sent, or does not, and a relay's inside on whatever clock the loop has."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, cast

from ccmux.core.allowance import Places
from ccmux.core.live_board import Heartbeat, Session
from ccmux.core.visitors import Admission
from ccmux.relay.counts import Counts
from ccmux.relay.desk import Desk
from ccmux.relay.door import Door
from ccmux.relay.viewers import Viewers
from ccmux.websocket import Handshake, Peer

KEY = "the-key"


@dataclass(eq=False)
class FakePeer:
    """What `Viewers` sees of a viewer. `reads` is whether it takes what it is sent."""

    room: Viewers
    reads: bool = True
    frames: list[bytes] = field(default_factory=list)
    waiting: int = 0
    is_cut_off: bool = False

    @property
    def behind_bytes(self) -> int:
        return self.waiting

    def send(self, frames: bytes) -> None:
        self.frames.append(frames)
        if not self.reads:
            self.waiting += len(frames)

    def abort(self) -> None:
        self.is_cut_off = True
        self.room.left(cast("Peer", self))

    def catches_up(self) -> None:
        """Take all that waits, and what comes from now on."""
        self.waiting, self.reads = 0, True
        self.room.drained(cast("Peer", self))

    @property
    def saw(self) -> list[Any]:
        """What was shown, oldest first."""
        return [json.loads(frame[frame.index(b"{") :]) for frame in self.frames]


class Inside:
    """Desk, door and viewers, wired as the server wires them."""

    def __init__(self, *, places: Places | None = None) -> None:
        clock = asyncio.get_running_loop().time
        self.counts = Counts()
        self.door = Door(key=KEY, proxies=(), clock=clock)
        self.viewers = Viewers(
            door=self.door,
            admission=Admission(origins=frozenset(), is_local=True),
            places=places or Places(total=100, an_address=100),
            counts=self.counts,
            clock=clock,
        )
        self.desk = Desk(self.viewers, self.door, self.counts)

    def viewer(self, *, reads: bool = True, address: str = "192.0.2.1") -> FakePeer:
        """Let one in."""
        handshake = Handshake(path="/ws/live", address=address)
        assert self.viewers.refuse(handshake) is None
        peer = FakePeer(self.viewers, reads)
        self.viewers.joined(cast("Peer", peer), handshake)
        return peer

    def beat(self, *ids: str, source: str | None = "laptop", **keys: Any) -> None:
        """Take a heartbeat of these sessions."""
        sessions = tuple(Session(session_id=id_, **keys) for id_ in ids)
        assert self.desk.heartbeat("192.0.2.9", Heartbeat(sessions, source))


def shown(*ids: str) -> dict[str, Any]:
    """Return what is to be seen of these sessions, their ids alone."""
    return {"active": bool(ids), "sessions": list(ids) or None}


def ids(board: Any) -> dict[str, Any]:
    """Return what was seen, of sessions their ids alone."""
    sessions = board["sessions"]
    seen: dict[str, Any] = board | {"sessions": sessions and [session["session_id"] for session in sessions]}
    return seen
