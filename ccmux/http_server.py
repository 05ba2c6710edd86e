"""Serves an ASGI application from a socket, in the loop of whoever runs it, and ends when it is cancelled.

uvicorn without its signals, its log set-up and its ten wake-ups a second, and with an end for clients that
come and ask nothing. What is served, where, and to whom, is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import NoReturn, cast

import uvicorn
from h11 import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ccmux.websocket import Lobby

# A call may take a second for its answer; one that takes longer is cut off.
GRACE_S = 2

REQUEST_S = 10.0
"""A request's head must come in whole within twice this."""

CONNECTIONS = 2_000
"""At once; the program needs its file descriptors for other things too."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 is a free one.

    Raises:
        OSError: It cannot.

    """
    # asyncio turns Nagle's waiting off only where the protocol is named: 40 ms a request.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        # A restart finds the port again though old connections linger; a second listener is still refused.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen()
    except OSError:
        sock.close()
        raise
    return sock


class HurriedProtocol(H11Protocol):
    """uvicorn's HTTP, with an end for clients that connect and do not ask, or ask a byte a minute."""

    most_connections = CONNECTIONS
    answers_end = False
    """Whether every answer is a short one: then a client that takes one a byte a minute is cut off, too."""

    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse a connection too many; look after the others."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._look_again(self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no longer."""
        self._look_no_more()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Request) -> None:
        """Give the connection away: nothing may hold on to what spoke HTTP on it, there may be thousands."""
        self._look_no_more()
        super().handle_websocket_upgrade(event)

    def _look_again(self, cycle: object) -> None:
        self._looking = self.loop.call_later(REQUEST_S, self._look, cycle)

    def _look_no_more(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def _look(self, cycle: object) -> None:
        """Hang up where no request came in whole since the last look and none is being answered."""
        if self.transport.is_closing():
            return
        now: RequestResponseCycle | None = self.cycle
        if now is cycle and (now is None or now.response_complete or self.answers_end):
            self.transport.abort()
        else:
            self._look_again(now)


class HttpServer:
    """One run of a server; it owns the listening socket."""

    name = "http"

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        stopping: asyncio.Event,
        *,
        lobby: Lobby | None = None,
        protocol: Callable[..., HurriedProtocol] = HurriedProtocol,
        grace_s: int = GRACE_S,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        """Take what is needed for one run.

        Args:
            app: What is served.
            sock: Where; it is closed at the end.
            stopping: Set before connections are asked to close.
            lobby: Where clients that want WebSocket go; None lets them in nowhere.
            protocol: How HTTP is spoken.
            grace_s: How long an answer, or a goodbye, may still take at the end.
            certificate: Paths of certificate and key, for TLS.

        """
        self.in_place = asyncio.Event()
        """Set once it answers."""
        self._socket = sock
        self._stopping = stopping
        certfile, keyfile = certificate or (None, None)
        self._config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", protocol),  # it is only called
            ws="none" if lobby is None else lobby.protocol,
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # else it believes whatever comes from loopback
            date_header=False,  # uvicorn's main loop, which is not run, would renew it
            server_header=False,
            timeout_graceful_shutdown=grace_s,
            ssl_certfile=certfile,
            ssl_keyfile=keyfile,
        )

    async def run(self) -> NoReturn:
        """Serve until cancelled, then close every connection and the socket."""
        self._config.load()
        server = uvicorn.Server(self._config)
        server.lifespan = self._config.lifespan_class(self._config)
        try:
            await server.startup(sockets=[self._socket])
            self.in_place.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._stopping.set()
                await server.shutdown(sockets=[self._socket])
        finally:
            self._socket.close()
        raise AssertionError("the future above is never settled")
