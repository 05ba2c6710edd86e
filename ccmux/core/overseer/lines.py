"""Cuts what a task prints into lines of text, however the pipe cut and joined them. It judges no text.

Bytes that are not UTF-8 become U+FFFD; CR before LF is dropped; empty lines are lines. A line longer than the
limit comes in pieces, as soon as there is a whole one: nothing is waited for and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

LINE_BYTES = 1_048_576
"""A longer line comes in pieces of this size."""

_LONGEST_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines in order; `unfinished` are the places of those that are pieces whose line goes on."""

    texts: list[str]
    unfinished: Collection[int] = ()


NOTHING = Cut([])


class LineCutter:
    """One stream of one process. It holds at most a line's limit, whatever is fed."""

    def __init__(self, line_bytes: int = LINE_BYTES) -> None:
        self._limit = line_bytes
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Cut:
        """Return the lines that ended in `chunk`, and pieces of one that is too long."""
        ended, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._held += rest
            return self._pieces() if len(self._held) > self._limit else NOTHING
        self._held += ended
        whole = bytes(self._held)
        self._held[:] = rest
        if len(whole) <= self._limit and len(rest) <= self._limit:
            return Cut(_texts(whole))
        return _joined(*(self._line(line) for line in whole.split(b"\n")), self._pieces())

    def flush(self) -> Cut:
        """Take what has not ended for a line."""
        rest = bytes(self._held)
        self._held.clear()
        return Cut(_texts(rest)) if rest else NOTHING

    def _line(self, line: bytes) -> Cut:
        pieces = []
        while len(line) > self._limit:
            at = _end_of_character(line, self._limit)
            pieces.append(line[:at].decode("utf-8", "replace"))
            line = line[at:]
        return Cut([*pieces, *_texts(line)], range(len(pieces)))

    def _pieces(self) -> Cut:
        pieces = []
        while len(self._held) > self._limit:
            at = _end_of_character(self._held, self._limit)
            pieces.append(self._held[:at].decode("utf-8", "replace"))
            del self._held[:at]
        return Cut(pieces, range(len(pieces)))


def _texts(whole: bytes) -> list[str]:
    text = whole.decode("utf-8", "replace")
    if "\r" not in text:
        return text.split("\n")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _end_of_character(line: bytes | bytearray, limit: int) -> int:
    """Return where to cut, at most at `limit`, so that no character is cut; >= 1."""
    for at in range(limit, max(0, limit - _LONGEST_CHARACTER), -1):
        if line[at] & 0xC0 != 0x80:  # not inside a character
            return at
    return limit


def _joined(*cuts: Cut) -> Cut:
    texts: list[str] = []
    unfinished: set[int] = set()
    for cut in cuts:
        unfinished.update(len(texts) + place for place in cut.unfinished)
        texts += cut.texts
    return Cut(texts, unfinished)
