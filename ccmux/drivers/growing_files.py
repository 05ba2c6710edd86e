"""Reads what was appended to transcripts since the last time, whenever it is asked; it waits for nothing.

A whole file is never in memory, a line is only if it may matter. A half line is left for the next time. A
file that was cut or replaced is read again from its start, also where it has grown past its old size
meanwhile: what stood before the position is compared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from ccmux.core.transcript import is_noise
from ccmux.ports import Lines, Position

CHUNK_BYTES = 256 << 10
"""So much is read at once: about a millisecond of the loop's time."""
MAX_LINE_BYTES = 16 << 20
"""A longer line is not counted; a prompt with pictures has some megabytes."""

_BEFORE_BYTES = 128
_HEAD_BYTES = 512


class TranscriptFiles:
    """Fulfils `GrowingFiles`."""

    def __init__(self, *, chunk_bytes: int = CHUNK_BYTES, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._chunk_bytes = chunk_bytes
        self._max_line_bytes = max_line_bytes

    def changed_at(self, path: str) -> float | None:
        try:
            found = Path(path).stat()
        except (OSError, ValueError):  # a NUL in its name
            return None
        return found.st_mtime if stat.S_ISREG(found.st_mode) else None

    def below(self, transcript: str) -> Sequence[str]:
        folder = Path(transcript).with_suffix("") / "subagents"
        return sorted(str(file) for file in folder.glob("agent-*.jsonl"))

    def grown(self, path: str, position: Position) -> Iterator[Lines]:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return
            if not _is_same(fd, position):
                position = Position()
                yield Lines((), position, again=True)
            yield from self._read(fd, position)
        except OSError:  # a failing disk
            return
        finally:
            os.close(fd)

    def _read(self, fd: int, position: Position) -> Iterator[Lines]:
        at, skipping = position.offset, position.skipping
        half: list[bytes] = []
        """The beginning of a line, in pieces; one that cannot matter is not kept."""
        half_bytes, is_dull = 0, False
        while chunk := os.pread(fd, self._chunk_bytes, at + half_bytes):
            first, newline, rest = chunk.partition(b"\n")
            if not newline:
                half_bytes += len(chunk)
                if skipping or half_bytes > self._max_line_bytes:
                    at, half_bytes, skipping, half = at + half_bytes, 0, True, []
                    yield Lines((), Position(at, _before(fd, at), skipping=True))
                    continue
                if not half:
                    is_dull = len(chunk) >= _HEAD_BYTES and is_noise(chunk)
                half.append(b"" if is_dull else chunk)
                continue
            lines = rest.split(b"\n")
            tail = lines.pop()
            if not skipping and not is_dull:
                lines.insert(0, b"".join([*half, first]))
            at += half_bytes + len(chunk) - len(tail)
            half, half_bytes, skipping, is_dull = [], 0, False, False
            yield Lines(lines, Position(at, _before(fd, at)))


def _is_same(fd: int, position: Position) -> bool:
    return os.fstat(fd).st_size >= position.offset and _before(fd, position.offset) == position.before


def _before(fd: int, offset: int) -> str:
    """Return a number for what stands before the offset, "" for the start of a file."""
    if offset == 0:
        return ""
    size = min(offset, _BEFORE_BYTES)
    return blake2b(os.pread(fd, size, offset - size), digest_size=8).hexdigest()
