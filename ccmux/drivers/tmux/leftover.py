"""Ends a tmux server that is about to end and never gets there, and so keeps a new one from its socket.

A server that was told to end has ended its sessions, and waits for its clients to go. A client that is stuck,
stopped or at a terminal that hangs, keeps it for ever; it hangs up on whoever comes meanwhile (tmux 3.3a, see
tests/drivers/test_tmux.py). It never ends a server that takes clients.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path

import structlog

PATIENCE = 4
"""So often in a row it must be met: its clients get that long to go by themselves."""

_HANG_UP_S = 1.0

log = structlog.get_logger()


class Leftover:
    """The server behind one socket, where it takes nobody."""

    def __init__(self, path: Path) -> None:
        """`path` is tmux's socket."""
        self._path = path
        self._met = 0

    def forget(self) -> None:
        """Begin anew: a server was started."""
        self._met = 0

    def met(self) -> None:
        """End an old server that is in the way for long; called when none could be started."""
        pid = self._hangs_up()
        self._met = self._met + 1 if pid else 0
        if pid and self._met >= PATIENCE:
            log.warning("old tmux server ended", pid=pid, reason="it waited for a client that never went")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._met = 0

    def _hangs_up(self) -> int:
        """Return the pid of a server that ends each connection at once; 0 where there is none."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_HANG_UP_S)
            try:
                asking.connect(str(self._path))
                peer = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                is_over = asking.recv(1) == b""
            except OSError:  # nobody is there, or one that waits for us to speak, as a live one does
                return 0
        pid: int = struct.unpack("3i", peer)[0]
        return pid if is_over else 0
