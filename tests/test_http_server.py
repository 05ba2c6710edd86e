"""What every HTTP server of ours has in common; tests/web and tests/relay test it at work."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from typing import Any

import pytest
from starlette.applications import Starlette

from ccmux.http_server import HttpServer, HurriedProtocol, listening_socket
from ccmux.websocket import Handshake, Lobby, Peer, Refusal

HEAD = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Hall:
    """A room where everybody may be."""

    def refuse(self, handshake: Handshake) -> Refusal | None:
        return None

    def joined(self, peer: Peer, handshake: Handshake) -> None: ...
    def heard(self, peer: Peer, message: bytes) -> None: ...
    def drained(self, peer: Peer) -> None: ...
    def left(self, peer: Peer) -> None: ...


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_it_listens_where_it_is_told_to(host: str) -> None:
    with listening_socket(host, 0) as sock:
        address = sock.getsockname()
        with socket.create_connection(address[:2]), pytest.raises(OSError, match="in use"):
            listening_socket(host, address[1])


def test_what_spoke_http_on_a_connection_is_gone_once_that_is_a_viewers() -> None:
    """Thousands stay for hours: a timer of ten seconds for each would double what they take."""
    made: list[weakref.ref[HurriedProtocol]] = []

    def remembered(**uvicorns: Any) -> HurriedProtocol:
        protocol = HurriedProtocol(**uvicorns)
        made.append(weakref.ref(protocol))
        return protocol

    async def story() -> None:
        sock = listening_socket("127.0.0.1", 0)
        lobby = Lobby(rooms={"/ws": Hall()}, message_bytes=100)
        server = HttpServer(Starlette(), sock, asyncio.Event(), lobby=lobby, protocol=remembered)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(server.run())
            await server.in_place.wait()
            reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
            writer.write(HEAD)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            gc.collect()
            assert [protocol() for protocol in made] == [None]
            writer.close()
            running.cancel()

    asyncio.run(story())
