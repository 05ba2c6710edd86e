"""The lock of the publisher: who holds it is the only one of this user on this machine.

It is flock(2) on a file, so it ends with its holder, however that ends. The file is never removed: that would
let two in.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FilePublisherLock:
    """Fulfils `PublisherLock`."""

    def __init__(self, path: Path, *, inherited: int | None = None) -> None:
        """Point to it.

        Args:
            path: The file; its folder is there when the lock is taken.
            inherited: A descriptor of it from whoever started us: theirs is the lock, and so ours.

        """
        self._path = path
        self._inherited = inherited
        self._fd: int | None = None

    def take(self) -> bool:
        if self._fd is not None:
            return True
        try:
            fd = self._open()
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        if not self.is_held():
            self.release()
        return self._fd is not None

    def is_held(self) -> bool:
        try:
            return self._fd is not None and os.path.samestat(os.fstat(self._fd), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._inherited is not None:
            fd, self._inherited = self._inherited, None
            os.set_inheritable(fd, False)
            return fd
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
