"""The keeper: a small process that holds the input FIFOs open when the daemon dies. A program of its own.

    python -I -S process.py FOLDER

It listens on FOLDER/keeper.sock (SOCK_SEQPACKET, one daemon at a time) and gives who connects all it holds:
`+KEY` with the descriptor, one a message, then `.`. It is told `+KEY` with a descriptor to hold, `-KEY` to
drop. A daemon that goes away changes nothing.

One process for all FIFOs, and a socket, because so it also keeps a FIFO whose path was deleted while no
daemon was there, and is found again by its socket alone; a lock on FOLDER/keeper.lock lets no second one in.

It ends when its standard output's other end is closed: that is the tmux server, which starts it by
`run-shell`. Thus it lives as long as the server that hosts Claude, outside the daemon's process group,
session and control group. It ends too when no daemon is there and nothing is left to keep: every FIFO is
deleted and empty. It never reads from a pipe, and imports next to nothing: 10 MB of memory, 4 its own.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import sys
import termios
from contextlib import suppress

SOCKET = "keeper.sock"
LOCK = "keeper.lock"

LOOK_MS = 60_000
"""Without a daemon: so often it looks whether anything is left to keep."""

SEND_S = 5.0
KEY_BYTES = 300

_NOTHING = bytes(4)


class Keeper:
    """Descriptors by key, and the daemon that is connected."""

    def __init__(self, listening: socket.socket, *, look_ms: int = LOOK_MS) -> None:
        """Serve on `listening`."""
        self._listening = listening
        self._look_ms = look_ms
        self._held: dict[bytes, int] = {}
        self._daemon: socket.socket | None = None

    def run(self, starter: int) -> None:
        """Serve until the other end of `starter` is closed, or nothing is left to keep."""
        while True:
            watched = select.poll()
            watched.register(starter, 0)  # its end is always told
            watched.register(self._listening, select.POLLIN)
            if self._daemon is not None:
                watched.register(self._daemon, select.POLLIN)
            events = dict(watched.poll(self._look_ms if self._daemon is None else None))
            if starter in events or (not events and not self._anything_left()):
                return
            if self._daemon is not None and self._daemon.fileno() in events:
                self._hear(self._daemon)
            if self._listening.fileno() in events:
                self._welcome()

    def _welcome(self) -> None:
        self._let_go()
        self._daemon, _ = self._listening.accept()
        self._daemon.settimeout(SEND_S)
        try:
            for key, fd in self._held.items():
                socket.send_fds(self._daemon, [b"+" + key], [fd])
            self._daemon.send(b".")
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        if self._daemon is not None:
            self._daemon.close()
            self._daemon = None

    def _hear(self, daemon: socket.socket) -> None:
        told, fds = b"", list[int]()
        with suppress(OSError):
            told, fds, _, _ = socket.recv_fds(daemon, KEY_BYTES, 1)
        sign, key = told[:1], told[1:]
        if not told:
            self._let_go()
        elif sign == b"+" and fds and key not in self._held:
            self._held[key] = fds.pop()
        elif sign == b"-" and key in self._held:
            os.close(self._held.pop(key))
        for fd in fds:
            os.close(fd)

    def _anything_left(self) -> bool:
        for key, fd in list(self._held.items()):
            is_deleted = os.fstat(fd).st_nlink == 0
            if is_deleted and fcntl.ioctl(fd, termios.FIONREAD, _NOTHING) == _NOTHING:
                os.close(self._held.pop(key))
        return bool(self._held)


def main(folder: str, look_ms: int = LOOK_MS) -> None:
    """Be the keeper of this folder, unless there is one."""
    os.umask(0o077)
    os.chdir(folder)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    with suppress(PermissionError):  # it leads a session of its own already
        os.setsid()
    with suppress(FileNotFoundError):
        os.unlink(SOCKET)  # noqa: PTH108 - pathlib would cost as much memory again
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(SOCKET)
        listening.listen()
        Keeper(listening, look_ms=look_ms).run(sys.stdout.fileno())
        os.unlink(SOCKET)  # noqa: PTH108 - as above


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
