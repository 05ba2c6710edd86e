"""The overseer's room: who comes in, what they say, and when they leave. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable

from ccmux.core.overseer.protocol import Wrong, parse
from ccmux.services.overseer.service import Overseer
from ccmux.websocket import Handshake, Peer, Refusal

NOT_YET = Refusal(503, "the overseer is starting; try again in a moment")


class OverseerRoom:
    """The `Room` of one overseer."""

    def __init__(self, overseer: Overseer, refuse: Callable[[Handshake], Refusal | None]) -> None:
        """Let in whom `refuse` does not refuse."""
        self._overseer = overseer
        self._refuse = refuse

    def refuse(self, handshake: Handshake) -> Refusal | None:
        """Return why this client may not come in, None where it may."""
        refusal = self._refuse(handshake)
        return NOT_YET if refusal is None and not self._overseer.in_place.is_set() else refusal

    def joined(self, peer: Peer, _handshake: Handshake) -> None:
        """Take a client in."""
        self._overseer.audience.join(peer)

    def heard(self, peer: Peer, message: bytes) -> None:
        """Do what it asks."""
        request = parse(message)
        if isinstance(request, Wrong):
            self._overseer.audience.answer(peer, request.answer)
        else:
            self._overseer.ask(peer, request)

    def drained(self, peer: Peer) -> None:
        """Hear that it has caught up."""
        self._overseer.audience.drained(peer)

    def left(self, peer: Peer) -> None:
        """Forget it."""
        self._overseer.audience.leave(peer)
