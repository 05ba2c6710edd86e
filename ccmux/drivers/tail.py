"""Reads a file that grows by lines, as it grows: a transcript. It decides nothing about what the lines say.

It watches the folder, never the file: so a file that is not there yet, is replaced, or is deleted and made
again is seen as well. A file that was cut and has grown past its old size before anybody looked is not
noticed: transcripts are only ever appended to.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from ccmux.ports import FileChange, FileEvent, FileEvents

CHUNK_BYTES = 1 << 20
"""So much is read at once: a millisecond of the loop's time."""
MAX_LINE_BYTES = 64 << 20
"""A longer line is not kept: nobody reads it, and the daemon must live."""

_WANTED = FileChange.APPEARED | FileChange.VANISHED | FileChange.WRITTEN
_ENDS_WATCH = FileChange.SELF_GONE | FileChange.OVERFLOWED


class FileTail:
    """Fulfils `LineTail` for real files."""

    def __init__(
        self, events: FileEvents, *, chunk_bytes: int = CHUNK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
    ) -> None:
        """Wire it up. `max_line_bytes`: longer lines are skipped."""
        self._events = events
        self._chunk_bytes = chunk_bytes
        self._max_line_bytes = max_line_bytes

    async def lines(self, path: str, offset: int) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """Yield whole lines as `LineTail` says."""
        target = Path(path)
        reader = _Reader(target, offset, self._chunk_bytes, self._max_line_bytes)
        changed, over = asyncio.Event(), asyncio.Event()
        folder = target.parent

        def on_event(event: FileEvent) -> None:
            if event.change & _ENDS_WATCH:
                over.set()
                changed.set()
            elif event.name in {"", target.name} or folder != target.parent:
                changed.set()

        try:
            while True:
                folder = _nearest_folder(target)
                over.clear()
                try:
                    with self._events.watch(str(folder), _WANTED, on_event):
                        # Looked at again under the watch: what came before it would never be told.
                        while not over.is_set() and _nearest_folder(target) == folder:
                            changed.clear()
                            while (batch := reader.read()) is not None:
                                if batch:
                                    yield batch
                                await asyncio.sleep(0)  # a long file must not keep the loop for itself
                            yield ()
                            await changed.wait()
                except FileNotFoundError:
                    continue  # the folder went away between two looks
        finally:
            reader.close()


class _Reader:
    """The open file, how far it was read, and the half line at its end."""

    def __init__(self, path: Path, offset: int, chunk_bytes: int, max_line_bytes: int) -> None:
        self._path = path
        self._chunk_bytes = chunk_bytes
        self._max_line_bytes = max_line_bytes
        self._fd: int | None = None
        self._read_to = offset
        self._half = bytearray()
        self._too_long = False

    def read(self) -> list[tuple[int, bytes]] | None:
        """Return the next lines, which may be none; None at the end of the file or without a file."""
        fd = self._open() if self._fd is None else self._fd
        if fd is None:
            return None
        chunk = os.pread(fd, self._chunk_bytes, self._read_to)
        if chunk:
            return self._split(chunk)
        if self._is_current(fd):
            return None
        self.close()
        self._start_again()
        return []

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int | None:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if os.fstat(self._fd).st_size < self._read_to:
            self._start_again()
        return self._fd

    def _is_current(self, fd: int) -> bool:
        """Tell whether the path still names what we read, and none of that was cut off."""
        ours = os.fstat(fd)
        try:
            named = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return os.path.samestat(ours, named) and ours.st_size >= self._read_to

    def _start_again(self) -> None:
        self._read_to = 0
        self._half.clear()
        self._too_long = False

    def _split(self, chunk: bytes) -> list[tuple[int, bytes]]:
        lines = []
        start = 0
        while (newline := chunk.find(b"\n", start)) >= 0:
            if not self._too_long:
                line = bytes(self._half) + chunk[start:newline] if self._half else chunk[start:newline]
                lines.append((self._read_to + newline + 1, line))
            self._half.clear()
            self._too_long = False
            start = newline + 1
        self._read_to += len(chunk)
        if not self._too_long:
            self._half += chunk[start:]
            if len(self._half) > self._max_line_bytes:
                self._half = bytearray()
                self._too_long = True
        return lines


def _nearest_folder(path: Path) -> Path:
    """Return the deepest folder above `path` that is there."""
    return next(folder for folder in path.parents if folder.is_dir())
