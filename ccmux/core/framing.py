"""Cuts a stream of bytes into lines, however the pipe cut and joined them. It never reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OverLong:
    """A line longer than allowed: its first bytes, and how long it was in all without its LF."""

    head: bytes
    total_bytes: int


class LineFramer:
    """One writer's stream. It holds at most `keep_bytes` of an unfinished line, whatever is fed.

    CR before LF is dropped; lines of white space are skipped.
    """

    def __init__(self, max_line_bytes: int, *, keep_bytes: int = 0) -> None:
        """Allow lines of `max_line_bytes` bytes, newline not counted; keep `keep_bytes` of a longer one."""
        self._max = max_line_bytes
        self._kept = max(max_line_bytes, keep_bytes)
        self._parts: list[bytes] = []
        self._held = 0
        self._total = 0

    @property
    def pending_bytes(self) -> int:
        """How many of the last bytes fed are of a line that has not ended."""
        return self._total

    def feed(self, chunk: bytes) -> list[bytes | OverLong]:
        """Return the lines that ended in `chunk`, in order."""
        lines = chunk.split(b"\n")
        rest = lines.pop()
        whole: list[bytes | OverLong] = []
        if lines and self._total:
            self._hold(lines[0])
            first = self.flush()
            if first is not None:
                whole.append(first)
            del lines[0]
        limit = self._max
        for line in lines:
            if len(line) <= limit and not line.isspace():
                if line:
                    whole.append(line[:-1] if line[-1] == _CR else line)
            elif (said := self._said(line, len(line))) is not None:
                whole.append(said)
        if rest:
            self._hold(rest)
        return whole

    def flush(self) -> bytes | OverLong | None:
        """Take the unfinished line for a whole one; None if there is none or it is blank."""
        said = self._said(b"".join(self._parts), self._total)
        self._parts.clear()
        self._held = self._total = 0
        return said

    def _hold(self, piece: bytes) -> None:
        # One byte above the limit is kept: it may be the CR of a line that just fits.
        piece_kept = piece[: self._kept + 1 - self._held]
        if piece_kept:
            self._parts.append(piece_kept)
            self._held += len(piece_kept)
        self._total += len(piece)

    def _said(self, line: bytes, total_bytes: int) -> bytes | OverLong | None:
        if total_bytes <= self._max + 1 and line.endswith(b"\r"):
            line = line[:-1]
            total_bytes -= 1
        if total_bytes > self._max:
            return OverLong(line[: self._kept], total_bytes)
        return line if line.strip() else None


_CR = 0x0D
