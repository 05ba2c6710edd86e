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

from ccmux.core.errors import PortTaken

HOST = "127.0.0.1"
# A tool call may take a second for its delivery; one that takes longer is cut off.
GRACE_S = 2


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


class HttpServer:
    """uvicorn without its signals, its log set-up and its ten wake-ups a second."""

    name = "http"

    def __init__(self, app: ASGIApp, sock: socket.socket, stopping: asyncio.Event) -> None:
        """Take what is needed for one run; `stopping` is set before connections are asked to close."""
        self._socket = sock
        self._stopping = stopping
        self._config = uvicorn.Config(
            app,
            http="h11",
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
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._stopping.set()
                await server.shutdown(sockets=[self._socket])
        finally:
            self._socket.close()
        raise AssertionError("the future above is never settled")
