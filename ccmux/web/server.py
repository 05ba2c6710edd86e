"""Where the daemon's HTTP face listens: a socket on loopback, and nowhere else."""

from __future__ import annotations

import errno
import socket

from ccmux.core.errors import PortTaken
from ccmux.http_server import listening_socket

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a socket bound to `port` on loopback (0: a free one, for tests).

    Raises:
        PortTaken: Another program listens there.

    """
    try:
        return listening_socket(HOST, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise


def port_of(sock: socket.socket) -> int:
    """Return the port a socket from `listen` is bound to."""
    port: int = sock.getsockname()[1]
    return port
