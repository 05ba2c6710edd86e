"""Serves an ASGI application on loopback, inside the daemon's own loop, and owns the listening socket.

It handles no signals: the daemon cancels `run`, and within a few seconds everything is closed, with streams
open or not.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ccmux.core.errors import PortTaken

HOST = "127.0.0.1"
# A tool call may take a second for its delivery; one that takes longer is cut off.
GRACE_S = 2

REQUEST_S = 10.0
"""A request's head must come in whole within twice this."""

CONNECTIONS = 2_000
"""At once; the daemon needs its file descriptors for messages too."""


def listen(port: int) -> socket.socket:
    """Return a socket bound to `port` on loopback (0: a free one, for tests).

    Raises:
        PortTaken: Another program listens there.

    """
    # asyncio turns Nagle's waiting off only where the protocol is named: 40 ms a request.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A restart finds the port again though old connections linger; a second listener is still refused.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen()
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise
    return sock


def port_of(sock: socket.socket) -> int:
    """Return the port a socket from `listen` is bound to."""
    port: int = sock.getsockname()[1]
    return port


class HurriedProtocol(H11Protocol):
    """uvicorn's HTTP, with an end for clients that connect and do not ask, or ask a byte a minute.

    The port is open to every user of this machine; whoever passes the guard may take any time.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse a connection too many; look after the others."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        else:
            self._look_again(self.cycle)

    def _look_again(self, cycle: object) -> None:
        self.loop.call_later(REQUEST_S, self._look, cycle)

    def _look(self, cycle: object) -> None:
        """Hang up where no request came in whole since the last look and none is being answered."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        now: RequestResponseCycle | None = self.cycle
        if now is cycle and (now is None or now.response_complete):
            self.transport.abort()
        else:
            self._look_again(now)


class HttpServer:
    """uvicorn without its signals, its log set-up and its ten wake-ups a second."""

    name = "http"

    def __init__(self, app: ASGIApp, sock: socket.socket, stopping: asyncio.Event) -> None:
        """Take what is needed for one run; `stopping` is set before connections are asked to close."""
        self.in_place = asyncio.Event()
        """Set once it answers."""
        self._socket = sock
        self._stopping = stopping
        self._config = uvicorn.Config(
            app,
            http=HurriedProtocol,
            lifespan="on",
            log_config=None,
            access_log=False,
            date_header=False,  # uvicorn's main loop, which is not run, would renew it
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
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
