"""Acts on a spool: a folder of ours in which others put files by atomic rename; hands each out once, by name.

It makes the folder (0700), also again where somebody deletes it. A file stays until it is removed or set
aside, so after a crash it is handed out again: whoever takes it must bear that. Names that begin with a dot
are files still being written. It never looks at what a file says.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from ccmux.ports import FileChange, FileEvent, FileEvents, SpoolFile

ASIDE = "rejected"
"""The folder below the spool for what nobody understands."""

log = structlog.get_logger()


class Spool:
    """The port SpoolFiles on a real folder; used within `with`."""

    def __init__(self, folder: Path, files: FileEvents, *, max_file_bytes: int) -> None:
        """Take the folder's path; a file longer than `max_file_bytes` is set aside unread."""
        self._folder = folder
        self._files = files
        self._max_file_bytes = max_file_bytes
        self._names: deque[str] = deque()
        self._handed_out: set[str] = set()
        self._something = asyncio.Event()
        self._fewer = asyncio.Event()
        self._watch = ExitStack()

    def __enter__(self) -> Self:
        """Begin to hear of new files; what is there already is handed out first."""
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.close()

    async def next(self) -> SpoolFile:
        """Wait for the next file that was not handed out yet; see the port."""
        while True:
            if not self._names:
                self._something.clear()
                self._names.extend(self._found())
            while self._names:
                name = self._names.popleft()
                taken = await self._read(name)
                if taken is not None:
                    self._handed_out.add(name)
                    return taken
                self._done(name)
            await self._something.wait()

    async def remove(self, name: str) -> None:
        """Delete a file that is done with."""
        (self._folder / name).unlink(missing_ok=True)
        self._done(name)

    async def set_aside(self, name: str) -> None:
        """Keep a file that nobody understands in the folder `rejected`."""
        aside = self._folder / ASIDE
        with suppress(FileNotFoundError):  # somebody took it away
            aside.mkdir(mode=0o700, exist_ok=True)
            (self._folder / name).rename(aside / name)
        self._done(name)

    async def done_so_far(self) -> None:
        """Return once every file that is there now is removed or set aside."""
        awaited = self._there()
        while awaited & self._there():
            self._fewer.clear()
            await self._fewer.wait()

    def _there(self) -> set[str]:
        return {*self._found(), *self._handed_out}

    def _done(self, name: str) -> None:
        self._handed_out.discard(name)
        self._fewer.set()

    def _start(self) -> None:
        while True:
            self._watch.close()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # deleted again already: make it again
                folder = str(self._folder)
                self._watch.enter_context(self._files.watch(folder, FileChange.APPEARED, self._changed))
                self._something.set()
                return

    def _changed(self, event: FileEvent) -> None:
        if event.change is FileChange.APPEARED:
            self._something.set()
        else:
            # Where events were dropped the folder itself may be another one.
            log.warning("spool folder looked at again", path=str(self._folder), change=event.change.name)
            self._start()

    def _found(self) -> list[str]:
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name not in self._handed_out
                and not entry.is_dir(follow_symlinks=False)
            )
        return []

    async def _read(self, name: str) -> SpoolFile | None:
        """Return the file; None where it is gone, or is no plain file of ours and was set aside."""
        try:
            fd = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            with os.fdopen(fd, "rb") as file:
                found = os.fstat(fd)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                    reason = "it is no plain file of ours"
                elif found.st_size > self._max_file_bytes:
                    reason = f"it has {found.st_size} bytes"
                else:
                    return SpoolFile(name, file.read(), found.st_mtime)
        log.warning("spool file refused", path=str(self._folder / name), reason=reason)
        await self.set_aside(name)
        return None
