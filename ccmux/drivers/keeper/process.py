"""The keeper: a small process that holds the input FIFOs open when the daemon dies. A program of its own.

    python -I -S process.py FOLDER

It listens on FOLDER/keeper.sock (SOCK_SEQPACKET, one daemon at a time) and gives who connects all it holds:
`+KEY` with the descriptor, one a message, then `.`. It is told `+KEY` with a descriptor to hold, `-KEY` to
drop. It tells `!` when tmux has ended, `=` when it stands below another tmux.

One process for all FIFOs, and a socket, because so it also keeps a FIFO whose path was deleted while no
daemon was there, and is found again by its socket alone; a lock on FOLDER/keeper.lock lets no second one in.

It is started by tmux's `run-shell`, so it is outside the daemon's process group, session and control group;
its standard output's other end is the tmux server's, which it calls its root. Daemon and tmux may be killed
together, so it does not end with its root at once: it waits for another one. A second keeper, started below a
new tmux server, hands its own standard output over and ends (FOLDER/keeper.root, SOCK_DGRAM).

It ends when no daemon is there and nothing is left to keep. With a root that is: every FIFO is deleted and
empty; without: every FIFO is empty, or FOLDER is deleted, so no daemon can come. It never reads from a pipe,
and imports next to nothing: 10 MB of memory, 4 its own.
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
ROOT = "keeper.root"
LOCK = "keeper.lock"

LOOK_MS = 60_000
"""Without a daemon: so often it looks whether anything is left to keep."""

ROOTLESS_LOOK_MS = 1_000
"""When neither daemon nor tmux is there: so often it looks whether a pipe still holds something."""

SEND_S = 5.0
KEY_BYTES = 300

_NOTHING = bytes(4)


class Keeper:
    """Descriptors by key, and the daemon that is connected."""

    def __init__(
        self, listening: socket.socket, roots: socket.socket, *, root: int, look_ms: int = LOOK_MS
    ) -> None:
        """Serve on `listening`; `root` is the descriptor that ends with tmux, `roots` brings another one."""
        self._listening = listening
        self._roots = roots
        self._root: int | None = root
        self._look_ms = look_ms
        self._held: dict[bytes, int] = {}
        self._daemon: socket.socket | None = None

    def run(self) -> None:
        """Serve until no daemon is there and nothing is left to keep."""
        while True:
            watched = select.poll()
            watched.register(self._listening, select.POLLIN)
            watched.register(self._roots, select.POLLIN)
            look_ms: int | None = ROOTLESS_LOOK_MS
            if self._root is not None:
                watched.register(self._root, 0)  # its end is always told
                look_ms = self._look_ms
            if self._daemon is not None:
                watched.register(self._daemon, select.POLLIN)
                look_ms = None
            events = dict(watched.poll(look_ms))
            if self._root in events:
                self._uproot()
            if self._roots.fileno() in events:
                self._take_root()
            if self._daemon is not None and self._daemon.fileno() in events:
                self._hear(self._daemon)
            if self._listening.fileno() in events:
                self._welcome()
            is_time = self._root is None or not events
            if is_time and self._daemon is None and not self._anything_left():
                return

    def _uproot(self) -> None:
        if self._root is not None:
            os.close(self._root)
        self._root = None
        self._tell(b"!")

    def _take_root(self) -> None:
        _, fds, _, _ = socket.recv_fds(self._roots, KEY_BYTES, 1)
        if self._root is None and fds:
            self._root = fds.pop()
            self._tell(b"=")
        for fd in fds:
            os.close(fd)

    def _tell(self, sign: bytes) -> None:
        try:
            if self._daemon is not None:
                self._daemon.send(sign)
        except OSError:
            self._let_go()

    def _welcome(self) -> None:
        # The daemon before may have died with words of its own still on the way: they hold descriptors.
        while self._daemon is not None and _is_readable(self._daemon):
            self._hear(self._daemon)
        self._let_go()
        self._daemon, _ = self._listening.accept()
        self._daemon.settimeout(SEND_S)
        try:
            for key, fd in self._held.items():
                socket.send_fds(self._daemon, [b"+" + key], [fd])
            self._daemon.send(b".")
            if self._root is None:
                self._daemon.send(b"!")
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
        """Tell whether there is a pipe worth keeping; let go of those that are not."""
        if self._root is None and os.stat(".").st_nlink == 0:  # noqa: PTH116 - pathlib would cost memory
            return False
        for key, fd in list(self._held.items()):
            is_in_use = self._root is not None and os.fstat(fd).st_nlink > 0
            if not is_in_use and _is_empty(fd):
                del self._held[key]
                kept = closed_if_empty(fd)
                if kept is not None:
                    self._held[key] = kept
        return bool(self._held)


def closed_if_empty(fd: int) -> int | None:
    """Close a pipe; where something was written just before, return it open again, with that in it.

    A descriptor for writing keeps the bytes while nobody reads, and writers then hear that nobody does.
    """
    writing = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.close(fd)
    try:
        if _is_empty(writing):
            return None
        return os.open(f"/proc/self/fd/{writing}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(writing)


def _is_readable(connection: socket.socket) -> bool:
    looked_at = select.poll()
    looked_at.register(connection, select.POLLIN)
    return bool(looked_at.poll(0))


def _is_empty(pipe: int) -> bool:
    return fcntl.ioctl(pipe, termios.FIONREAD, _NOTHING) == _NOTHING


def main(folder: str, look_ms: int = LOOK_MS) -> None:
    """Be the keeper of this folder, unless there is one."""
    os.umask(0o077)
    os.chdir(folder)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.connect(ROOT)
            socket.send_fds(other, [b"="], [sys.stdout.fileno()])
        return
    with suppress(PermissionError):  # it leads a session of its own already
        os.setsid()
    _unlink()
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as roots,
    ):
        roots.bind(ROOT)
        listening.bind(SOCKET)
        listening.listen()
        Keeper(listening, roots, root=sys.stdout.fileno(), look_ms=look_ms).run()
        _unlink()


def _unlink() -> None:
    for name in (SOCKET, ROOT):
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 - pathlib would cost as much memory again


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
