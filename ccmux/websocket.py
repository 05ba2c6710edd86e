"""WebSocket clients behind uvicorn's HTTP: handshake, frames, limits, signs of life.

The library `websockets` speaks the protocol and touches nothing; here it meets the event loop, with as little
as can be kept for a client. What is said to whom, and what becomes of one who does not read, is a Room's
business. It decides nothing about messages and knows neither daemon nor relay.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import unquote

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

GOING_AWAY = int(CloseCode.GOING_AWAY)
TRY_AGAIN_LATER = int(CloseCode.TRY_AGAIN_LATER)


def text_frame(text: bytes) -> bytes:
    """Return a whole message of UTF-8 as it goes over the wire to any client: encode once, send to all."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def text_heads(sizes: Iterable[int]) -> list[bytes]:
    """Return what stands before whole messages of so many bytes, for who writes thousands at once."""
    known = _HEADS
    return [known[size] if size < len(known) else _head(size) for size in sizes]


def _head(size: int) -> bytes:
    """Return the first bytes of an unmasked, final text frame (RFC 6455, section 5.2)."""
    if size < 126:
        return b"\x81%c" % size
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


_HEADS = [_head(size) for size in range(1_024)]

_PING = Frame(Opcode.PING, b"").serialize(mask=False)
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a client said as it came; foreign data, all of it.

    Attributes:
        path: Without the query, percent signs resolved.
        query: What stands behind the "?", as it came.
        headers: Names and values, as they came.
        address: Of the other end of the connection; "" where it has none.
        port: Of the other end; 0 where it has none.

    """

    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    address: str = ""
    port: int = 0

    def values(self, name: str) -> list[str]:
        """Return all values of a header; `name` is in lower case."""
        return [value for given, value in self.headers if given.lower() == name]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client does not come in: an HTTP status, and a sentence that says the way out."""

    status: int
    sentence: str


class Room(Protocol):
    """Where clients of one path are: it hears and decides. Nothing here may block or raise."""

    def refuse(self, handshake: Handshake) -> Refusal | None:
        """Return why this client may not come in, None where it may."""
        ...

    def joined(self, peer: Peer, handshake: Handshake) -> None:
        """Take a client that has come in; it can be sent to."""
        ...

    def heard(self, peer: Peer, message: bytes) -> None:
        """Take a whole message, text or binary; text is valid UTF-8."""
        ...

    def drained(self, peer: Peer) -> None:
        """Hear that a client which was `behind` has caught up."""
        ...

    def left(self, peer: Peer) -> None:
        """Hear that a client has gone, for whatever reason; once for each that joined."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Lobby:
    """The door of one HTTP server: `uvicorn.Config(ws=lobby.protocol)`.

    Attributes:
        rooms: By path.
        message_bytes: A client that sends a longer message is sent away (1009).
        behind_bytes: A client for which more than this waits to be sent is `behind`, until nothing waits.
        ping_s: So often a client is asked for a sign of life; one that gave none since then is cut off.
        close_s: A client that does not answer a goodbye for so long is cut off.

    """

    rooms: Mapping[str, Room]
    message_bytes: int
    behind_bytes: int = 0
    ping_s: float = 30.0
    close_s: float = 2.0
    _peers: set[Peer] = field(default_factory=set, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    @property
    def protocol(self) -> type[asyncio.Protocol]:
        """What uvicorn calls for a connection that asks for an upgrade, as if it were a class of its own."""
        return cast("type[asyncio.Protocol]", self._meet)

    def _meet(self, *, server_state: Any, **_more: Any) -> Peer:
        return Peer(self, server_state.connections)

    def _came(self, peer: Peer) -> None:
        self._peers.add(peer)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.ping_s, self._look)

    def _went(self, peer: Peer) -> None:
        self._peers.discard(peer)
        if not self._peers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Ask all for a sign of life: one timer for a whole crowd."""
        self._timer = asyncio.get_running_loop().call_later(self.ping_s, self._look)
        for peer in tuple(self._peers):
            peer._look()  # noqa: SLF001 - one module, two halves


class Peer(asyncio.Protocol):
    """One client."""

    __slots__ = (
        "_connections",
        "_ends",
        "_is_text",
        "_lives",
        "_lobby",
        "_parts",
        "_room",
        "_speech",
        "_transport",
    )

    def __init__(self, lobby: Lobby, connections: set[Any]) -> None:
        self._lobby = lobby
        self._connections = connections
        self._speech = ServerProtocol(max_size=lobby.message_bytes)
        self._room: Room | None = None
        self._parts: list[bytes] = []
        self._is_text = True
        self._lives = True
        self._ends = False
        self._transport: asyncio.Transport

    # what a room may ask and do

    @property
    def behind_bytes(self) -> int:
        """What was sent and the kernel has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def is_open(self) -> bool:
        """Whether what is sent can still arrive."""
        return self._speech.state is State.OPEN and not self._transport.is_closing()

    def send(self, frames: bytes) -> None:
        """Send frames of `text_frame`, any number in one piece; who goes loses them. It never waits."""
        if self.is_open:
            self._transport.write(frames)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, behind all that was sent; `reason` is cut to what the protocol allows (123 bytes)."""
        if self.is_open:
            self._speech.send_close(code, reason.encode()[:123].decode(errors="ignore"))
            self._flush()

    def abort(self) -> None:
        """Cut the client off at once; what was not sent yet is lost."""
        self._transport.abort()

    # what asyncio and uvicorn ask

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over from uvicorn's HTTP."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - tells the type
        self._transport = transport
        self._connections.add(self)
        transport.set_write_buffer_limits(high=self._lobby.behind_bytes, low=0)

    def data_received(self, data: bytes) -> None:
        """Take what the client says: first its request, then frames."""
        self._lives = True
        self._speech.receive_data(data)
        self._answer()

    def eof_received(self) -> None:
        """Hear that the client will say nothing more; who has half closed has gone."""
        self._speech.receive_eof()
        self._answer()

    def resume_writing(self) -> None:
        """Hear that all was sent."""
        if self._room is not None and self.is_open:
            self._room.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone is gone
        """Hear that the connection has ended."""
        self._connections.discard(self)
        self._lobby._went(self)  # noqa: SLF001 - one module, two halves
        room, self._room = self._room, None
        if room is not None:
            room.left(self)

    def shutdown(self) -> None:
        """Hear from uvicorn that the server ends."""
        self.close(GOING_AWAY, "the server ends")

    def _answer(self) -> None:
        for event in self._speech.events_received():
            if isinstance(event, Request):
                self._admit(event)
            elif isinstance(event, Frame):
                self._take(event)
        self._flush()

    def _admit(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        peername = self._transport.get_extra_info("peername")
        handshake = Handshake(
            path=unquote(path),
            query=query,
            headers=tuple(request.headers.raw_items()),
            address=peername[0] if isinstance(peername, tuple) else "",
            port=peername[1] if isinstance(peername, tuple) else 0,
        )
        room = self._lobby.rooms.get(handshake.path)
        refusal = Refusal(404, "no WebSocket here") if room is None else room.refuse(handshake)
        if refusal is not None:
            response = self._speech.reject(
                HTTPStatus(refusal.status), json.dumps({"error": refusal.sentence})
            )
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
        else:
            response = self._speech.accept(request)
        self._speech.send_response(response)
        self._flush()
        if self.is_open and room is not None:
            self._room = room
            self._lobby._came(self)  # noqa: SLF001 - one module, two halves
            room.joined(self, handshake)

    def _take(self, frame: Frame) -> None:
        """Put a message together; the library has answered control frames, and refused what is too long."""
        if self._room is None or frame.opcode not in _DATA:
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        message = b"".join(self._parts)
        self._parts.clear()
        try:
            if self._is_text:
                message.decode()
        except UnicodeDecodeError:
            self._speech.fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
        else:
            self._room.heard(self, message)

    def _flush(self) -> None:
        """Send what the library has to say; where that is the last, see to it that the end comes."""
        for piece in self._speech.data_to_send():
            if piece:
                self._transport.write(piece)
            else:
                self._transport.close()
        if self._speech.close_expected() and not self._ends:
            self._ends = True
            asyncio.get_running_loop().call_later(self._lobby.close_s, self._transport.abort)

    def _look(self) -> None:
        """Ask for a sign of life, or cut off who gave none since the last time."""
        if not self._lives:
            self._transport.abort()
        elif self.is_open:
            self._lives = False
            self._transport.write(_PING)
