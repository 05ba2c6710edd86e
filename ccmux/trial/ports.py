"""TCP ports for daemons of our own, each lent to one of them at a time.

A daemon's port must stay free while the daemon is down, so the kernel's own choice will not do: it comes
from the range of outgoing connections, and the next one may take it. These lie below that range, and a name
the kernel knows keeps them apart among processes that run side by side; it ends with its process.
"""

from __future__ import annotations

import os
import secrets
import socket

FIRST, LAST = 12_000, 32_000


class LentPort:
    """A port that nobody else's stand gets before `give_back`."""

    def __init__(self) -> None:
        """Take one."""
        while True:
            self.number = FIRST + secrets.randbelow(LAST - FIRST)
            self._lock = socket.socket(socket.AF_UNIX)
            if _taken(self._lock, self.number) and _is_free(self.number):
                return
            self._lock.close()

    def give_back(self) -> None:
        """Let the next one have it."""
        self._lock.close()


def _taken(lock: socket.socket, number: int) -> bool:
    try:
        lock.bind(f"\0ccmux-port-{os.getuid()}-{number}")  # unix(7): abstract, no file of that name
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
