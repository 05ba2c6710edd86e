"""Acts on inotify(7): the port FileEvents, one kernel descriptor for the whole daemon, read in its loop.

It knows nothing of what the files mean. The kernel keeps one watch an inode; here several callers may watch
the same path for different things, and each hears its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inotify_simple import INotify, flags

from ccmux.ports import FileChange, FileEvent

_FLAGS = {
    FileChange.APPEARED: flags.CREATE | flags.MOVED_TO,
    FileChange.VANISHED: flags.DELETE | flags.MOVED_FROM,
    FileChange.WRITTEN: flags.MODIFY,
    FileChange.CLOSED: flags.CLOSE_WRITE,
    FileChange.OPENED: flags.OPEN,
    FileChange.SELF_GONE: flags.DELETE_SELF | flags.MOVE_SELF,
}
_GONE = flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT | flags.IGNORED


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    wanted: FileChange
    callback: Callable[[FileEvent], None]


class InotifyFileEvents:
    """File events for the loop that runs when it is made; `close` ends them all."""

    def __init__(self) -> None:
        self._kernel = INotify(nonblocking=True)
        self._watches: dict[int, list[_Watch]] = {}
        self._places: dict[int, tuple[str, tuple[int, int] | None]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._kernel.fd, self._read)

    def close(self) -> None:
        """End every watch and give the descriptor back."""
        if not self._kernel.closed:
            self._loop.remove_reader(self._kernel.fd)
            self._kernel.close()
            self._watches.clear()
            self._places.clear()

    @contextmanager
    def watch(self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]) -> Iterator[None]:
        """Call back for each wanted change; see the port."""
        mask = flags.MASK_ADD.value
        for change in wanted | FileChange.SELF_GONE:
            mask |= _FLAGS.get(change, 0)
        try:
            number = self._kernel.add_watch(path, mask)
        except OSError as error:
            raise _with_way_out(error, path) from error
        self._places[number] = (path, _inode(path))
        watch = _Watch(wanted | FileChange.SELF_GONE | FileChange.OVERFLOWED, callback)
        self._watches.setdefault(number, []).append(watch)
        try:
            yield
        finally:
            self._forget(number, watch)

    def _forget(self, number: int, watch: _Watch) -> None:
        watches = self._watches.get(number, [])
        if watch in watches:
            watches.remove(watch)
            if not watches:
                self._drop(number)

    def _drop(self, number: int) -> list[_Watch]:
        """End the kernel's watch, and return who had it."""
        with suppress(OSError):  # the kernel ended it already
            self._kernel.rm_watch(number)
        self._places.pop(number, None)
        return self._watches.pop(number, [])

    def _read(self) -> None:
        for event in self._kernel.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                everybody = [watch for watches in self._watches.values() for watch in watches]
                for watch in everybody:
                    watch.callback(FileEvent("", FileChange.OVERFLOWED))
            elif event.mask & _GONE:
                for watch in self._drop(event.wd) if event.wd in self._watches else []:
                    watch.callback(FileEvent("", FileChange.SELF_GONE))
            else:
                self._tell(event.wd, event.name, event.mask)
                if event.mask & flags.DELETE and not self._stands(event.wd):
                    for watch in self._drop(event.wd):
                        watch.callback(FileEvent("", FileChange.SELF_GONE))

    def _stands(self, number: int) -> bool:
        """Tell whether a folder still is where it was when it was watched.

        The kernel tells of its end only when nobody has anything in it any more; a bound socket is enough to
        keep it silent (measured on Linux 6.18).
        """
        path, inode = self._places.get(number, ("", None))
        return inode is None or _inode(path) == inode

    def _tell(self, number: int, name: str, mask: int) -> None:
        for change, its_flags in _FLAGS.items():
            if mask & its_flags:
                for watch in tuple(self._watches.get(number, ())):
                    if change in watch.wanted and watch in self._watches.get(number, ()):
                        watch.callback(FileEvent(name, change))


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _with_way_out(error: OSError, path: str) -> OSError:
    reason = os.strerror(error.errno or 0)
    if error.errno == errno.ENOSPC:
        reason = "no inotify watches left; raise fs.inotify.max_user_watches"
    return OSError(error.errno, reason, path)
