"""Those who look: a room of WebSocket clients that are told the newest state, and never queued for.

It owns the connections. What is told is encoded once and sent to all; who lags is passed over until it has
taken the last, and cut off where it takes nothing for long.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ccmux.core.allowance import Places
from ccmux.core.laggards import Laggards
from ccmux.core.visitors import Admission
from ccmux.relay.counts import Counts
from ccmux.relay.door import Coming, Door
from ccmux.websocket import Handshake, Peer, Refusal, text_frame

log = structlog.get_logger()


class Viewers:
    """The room at /ws/live."""

    def __init__(
        self,
        *,
        door: Door,
        admission: Admission,
        places: Places,
        counts: Counts,
        clock: Callable[[], float],
    ) -> None:
        """Take what decides who may come in, and the clock of the loop."""
        self._door = door
        self._admission = admission
        self._places = places
        self._counts = counts
        self._clock = clock
        self._laggards: Laggards[Peer] = Laggards()
        self._addresses: dict[Peer, str] = {}
        self._coming = ""
        self._told: set[str] = set()
        self._frame = b""
        self._number = 0

    def __len__(self) -> int:
        """How many look."""
        return len(self._addresses)

    @property
    def behind(self) -> int:
        """How many have not taken what they were sent."""
        return len(self._laggards)

    def show(self, text: bytes) -> None:
        """Tell everybody the newest state."""
        self._number += 1
        self._frame = text_frame(text)
        for peer in self._laggards.others(self._addresses):
            self._send(peer)

    def cut_off_given_up(self) -> None:
        """Cut off those who have taken nothing for long."""
        for peer in self._laggards.given_up(now_s=self._clock()):
            self._counts.done["viewers_cut_total"] += 1
            peer.abort()

    # what the lobby asks

    def refuse(self, handshake: Handshake) -> Refusal | None:
        """Return why a viewer may not come in; who may is `joined` next."""
        forwarded_for = handshake.values("x-forwarded-for")
        coming = self._door.comes(handshake.address, forwarded_for=forwarded_for)
        self._coming = coming.address
        refusal = self._refusal(handshake, coming)
        if refusal is not None:
            self._counts.refused[refusal.status] += 1
        return refusal

    def joined(self, peer: Peer, handshake: Handshake) -> None:  # noqa: ARG002 - `refuse` has seen it
        """Show a new viewer what there is."""
        self._places.take(self._coming)
        self._addresses[peer] = self._coming
        self._counts.done["viewers_total"] += 1
        self._send(peer)

    def heard(self, peer: Peer, message: bytes) -> None:
        """Take no notice: viewers have nothing to say."""

    def drained(self, peer: Peer) -> None:
        """Tell one who lagged what it missed: the newest, and nothing between."""
        if self._laggards.caught_up(peer, self._number):
            self._send(peer)

    def left(self, peer: Peer) -> None:
        """Forget a viewer."""
        self._laggards.forget(peer)
        self._places.give_back(self._addresses.pop(peer))

    def _send(self, peer: Peer) -> None:
        peer.send(self._frame)
        if peer.behind_bytes:
            self._laggards.add(peer, self._number, now_s=self._clock())

    def _refusal(self, handshake: Handshake, coming: Coming) -> Refusal | None:
        if coming.wait_s:
            return Refusal(429, f"too many requests from your address; try again in {coming.wait_s} s")
        origins, hosts = handshake.values("origin"), handshake.values("host")
        sentence = self._admission.refusal(
            origins=origins, hosts=hosts, is_forwarded=coming.visitor.is_forwarded
        )
        if sentence:
            self._tell_of_refusal(sentence, origins)
            return Refusal(403, sentence)
        sentence = self._places.refusal(coming.address)
        return Refusal(429, sentence) if sentence else None

    def _tell_of_refusal(self, sentence: str, origins: list[str]) -> None:
        """Log it once for each reason: a browser shows nobody why."""
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning("viewer refused", reason=sentence, origins=[origin[:200] for origin in origins])
