"""The daemon's end of the keeper process: the port `Keeper`, and finding or losing that process.

It starts nothing itself: whoever does (tmux, so that the process is no child of ours) is given `argv`. While
no keeper is there it remembers what is to be held and hands it over to the next one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ccmux.drivers.keeper import process

CONNECT_S = 2.0
"""A keeper is a process like any other: one that does not answer in time is taken for none."""


class ProcessKeeper:
    """The port Keeper on a keeper process of `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket: socket.socket | None = None
        self._kept: list[tuple[str, int]] = []
        self._was_asked = False
        self._wanted: dict[str, int] = {}
        """Descriptors of our own, for a next keeper."""
        self._has_root = False
        self._changed = asyncio.Event()

    @property
    def argv(self) -> Sequence[str]:
        """What to start where there is no keeper, or one without a root. A second one ends by itself."""
        return (sys.executable, "-I", "-S", process.__file__, str(self._folder))

    @property
    def connected(self) -> bool:
        """Whether a keeper holds what it is told."""
        return self._socket is not None

    @property
    def rooted(self) -> bool:
        """Whether the keeper stays also without us: the tmux server that it stands below has not ended."""
        return self._socket is not None and self._has_root

    async def connect(self) -> bool:
        """Find the keeper, take what it holds and hand it what it does not; return whether there is one."""
        try:
            found, kept = await asyncio.to_thread(self._found)
        except OSError:
            return False
        self._socket, self._has_root = found, True
        held = {key for key, _ in kept}
        asyncio.get_running_loop().add_reader(found, self._heard)
        for key, fd in self._wanted.items():
            if key not in held:
                self._tell(b"+", key, fd)
        if self._was_asked:
            # What is not of today stays with the keeper: the next daemon asks before it opens its doors.
            _close_all(fd for _, fd in kept)
        else:
            self._kept += kept
        return self.connected

    async def changed(self) -> None:
        """Return once the keeper is gone, or its root is."""
        while self.rooted:
            self._changed.clear()
            await self._changed.wait()

    async def end(self) -> bool:
        """End the keeper, and hold nothing for a next one; return whether there was one."""
        was_there = self._socket is not None
        if self._socket is not None:
            peer = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            with suppress(ProcessLookupError):
                os.kill(struct.unpack("3i", peer)[0], signal.SIGTERM)
        while self.connected:  # its end of the connection is closed with it
            self._changed.clear()
            await self._changed.wait()
        self.close()
        return was_there

    def close(self) -> None:
        """Leave the keeper to itself; it holds on."""
        self._let_go()
        _close_all(fd for _, fd in self._kept)
        _close_all(self._wanted.values())
        self._kept.clear()
        self._wanted.clear()

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what outlived the last daemon; see the port."""
        kept, self._kept, self._was_asked = self._kept, [], True
        return kept

    def keep(self, key: str, fd: int) -> None:
        """Hold this too; see the port."""
        if key not in self._wanted:
            self._wanted[key] = os.dup(fd)
            self._tell(b"+", key, fd)

    def drop(self, key: str) -> None:
        """Hold it no more; see the port."""
        if key in self._wanted:
            os.close(self._wanted.pop(key))
        self._tell(b"-", key)

    def _found(self) -> tuple[socket.socket, list[tuple[str, int]]]:
        """Connect and take what it holds. Raises OSError, TimeoutError among them."""
        kept: list[tuple[str, int]] = []
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        found = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            found.settimeout(CONNECT_S)
            # A socket's address holds 108 bytes; a data directory may have a longer path.
            found.connect(f"/proc/self/fd/{folder}/{process.SOCKET}")
            while True:
                told, fds, _, _ = socket.recv_fds(found, process.KEY_BYTES, 1)
                if told == b".":
                    break
                if not told:
                    raise ConnectionResetError  # noqa: TRY301 - as if `recv_fds` had
                kept += [(told[1:].decode("ascii", "replace"), fd) for fd in fds]
            found.setblocking(False)
        except BaseException:
            found.close()
            _close_all(fd for _, fd in kept)
            raise
        finally:
            os.close(folder)
        for _, fd in kept:
            os.set_inheritable(fd, False)
        return found, kept

    def _tell(self, sign: bytes, key: str, fd: int | None = None) -> None:
        if self._socket is None:
            return
        try:
            socket.send_fds(self._socket, [sign + key.encode()], [] if fd is None else [fd])
        except OSError:
            self._let_go()  # it is stopped or gone: the next one is told all

    def _heard(self) -> None:
        """Take in what becomes of the keeper's root, and the end of the connection."""
        data = b""
        try:
            if self._socket is not None:
                data = self._socket.recv(1)
        except BlockingIOError:
            return  # woken for nothing (select(2), BUGS): nothing was said
        except OSError:
            pass  # that is its end, too
        if not data:
            self._let_go()
        self._has_root = data == b"="
        self._changed.set()

    def _let_go(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        self._changed.set()


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
