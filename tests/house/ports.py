"""TCP ports for the daemons of the tests, each lent to one of them at a time.

A daemon's port must stay free while the daemon is down, so the kernel's own choice will not do: it comes
from the range of outgoing connections, and the next one may take it. These lie below that range, and a lock
on a file of their own keeps them apart among test processes, which run side by side.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 12_000, 32_000


class LentPort:
    """A port that nobody else's stand gets before `give_back`."""

    def __init__(self) -> None:
        locks = Path(tempfile.gettempdir()) / f"ccmux-test-ports-{os.getuid()}"
        locks.mkdir(mode=0o700, exist_ok=True)
        while True:
            self.number = random.randrange(FIRST, LAST)
            self._lock = os.open(locks / str(self.number), os.O_CREAT | os.O_RDWR, 0o600)
            if _locked(self._lock) and _is_free(self.number):
                return
            os.close(self._lock)

    def give_back(self) -> None:
        os.close(self._lock)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
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
