"""tmux's control mode (tmux(1), CONTROL MODE) as values: what the server says, and how an argument is quoted.

Measured on tmux 3.3a. It reads and writes bytes and text only; it never talks to a server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GUARD = re.compile(rb"%(begin|end|error) (\d+ (\d+) (\d+))")
_CALLED_BY_US = 1

_HASHES = re.compile(r"#+(?![#\[])")  # before `[` tmux leaves them as they are: a style
_QUOTED = {ord(char): f"\\{char}" for char in '\\"$~'} | {
    code: f"\\{code:03o}" for code in (*range(1, 32), 127) if code != 10
}
_QUOTED[10] = "\\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One command's block.

    Attributes:
        number: The server's running number of the command; nothing of the client's.
        ok: `%end`; False is `%error`, and `lines` say what was wrong.
        lines: Raw, without newlines. A capture's last empty rows are there too.
        ours: This client sent the command on its standard input. The attach itself, and hooks, are not.

    """

    number: int
    ok: bool
    lines: tuple[bytes, ...]
    ours: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """A line outside a block. Name "" is a line without a place in the protocol: the stream is lost."""

    name: str
    args: bytes


class ControlParser:
    """Cuts the stream into answers and notifications, however the bytes arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: tuple[bytes, int, bool] | None = None  # stamp, number, ours
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[Answer | Notification]:
        """Return what these bytes completed, in order."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [told for line in lines if (told := self._take(line)) is not None]

    def _take(self, line: bytes) -> Answer | Notification | None:
        guard = _GUARD.fullmatch(line)
        if self._open is None:
            if guard is None or guard[1] != b"begin":
                return _notification(line)
            self._open = (guard[2], int(guard[3]), bool(int(guard[4]) & _CALLED_BY_US))
            return None
        stamp, number, ours = self._open
        # Text on the captured screen may look like a guard: only the one with the block's own stamp ends it.
        if guard is None or guard[1] == b"begin" or guard[2] != stamp:
            self._lines.append(line)
            return None
        lines, self._lines, self._open = tuple(self._lines), [], None
        return Answer(number, guard[1] == b"end", lines, ours)


def quote(argument: str) -> str:
    """Return `argument` as one word of a command line that tmux parses itself: no newline stays in it.

    Raises:
        ValueError: It holds a NUL, which no argument of tmux can carry.

    """
    if "\0" in argument:
        raise ValueError("a tmux argument cannot hold a NUL")
    return f'"{argument.translate(_QUOTED)}"'


def literal(argument: str) -> str:
    """Return `argument` so that tmux's format expansion (FORMATS) gives it back: `#{...}` stays text."""
    return _HASHES.sub(lambda hashes: hashes[0] * 2, argument)


def _notification(line: bytes) -> Notification:
    if not line.startswith(b"%"):
        return Notification("", line)
    name, _, args = line[1:].partition(b" ")
    return Notification(name.decode("ascii", "replace"), args)


__all__ = ["Answer", "ControlParser", "Notification", "literal", "quote"]
