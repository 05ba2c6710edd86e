"""Where the daemon's HTTP face listens: a socket on loopback, and nowhere else."""

from __future__ import annotations

import errno
import socket

from ccmux.core.errors import PortTaken

HOST = "127.0.0.1"


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
