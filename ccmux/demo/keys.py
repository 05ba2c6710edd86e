"""Decides which keys the bytes of a terminal are, as Claude Code 2.1.329 takes them. Pure: it reads nothing.

Measured there: a read of more than 64 characters without escape sequences is taken for a paste, so a CR in
it is a line break; in a shorter one CR submits and LF is a line break. A tab is dropped.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

BURST_CHARS = 64
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|O[ -~]|[^\[O\x1b])", re.DOTALL)
_NAMED = {"\r": "enter", "\n": "newline", "\x7f": "backspace", "\x08": "backspace"}
_ESCAPED = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "\x1b[H": "home", "\x1b[F": "end",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left", "\x1bOH": "home", "\x1bOF": "end",
    "\x1b[1~": "home", "\x1b[4~": "end", "\x1b[3~": "delete", "\x1b\r": "newline", "\x1b\n": "newline",
    "\x1b[Z": "shift-tab",
}  # fmt: skip
_PIECE = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Key:
    """One key that is no character: `enter`, `newline`, `escape`, `up`, `ctrl-u` ..."""

    name: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters typed; none of them is a control character."""

    text: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """A paste, as it came: bracketed, or a burst that is taken for one."""

    text: str


Press = Key | Typed | Pasted


class KeyDecoder:
    """Turns reads into presses; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    @property
    def unfinished(self) -> bool:
        """Something waits that is perhaps a lone Escape: call `flush` if nothing follows it soon."""
        return bool(self._rest) and not self._rest.startswith(_PASTE_START)

    def feed(self, data: bytes) -> list[Press]:
        """Return the presses that one read completes; a read's limits matter, see above."""
        text = self._rest + self._utf8.decode(data)
        self._rest = ""
        presses: list[Press] = []
        while text:
            if text.startswith(_PASTE_START):
                body, end, after = text[len(_PASTE_START) :].partition(_PASTE_END)
                if not end:
                    self._rest = text
                    break
                presses.append(Pasted(body))
                text = after
            elif text[0] != "\x1b":
                run, escape, after = text.partition("\x1b")
                presses += _run(run)
                text = escape + after
            elif (found := _SEQUENCE.match(text)) is not None:
                if found[0] in _ESCAPED:
                    presses.append(Key(_ESCAPED[found[0]]))
                text = text[found.end() :]
            elif text.startswith("\x1b\x1b"):
                presses.append(Key("escape"))
                text = text[1:]
            else:
                self._rest = text
                break
        return presses

    def flush(self) -> list[Press]:
        """Return what an escape sequence that never ended stands for: the Escape key and characters."""
        if not self.unfinished:
            return []
        rest, self._rest = self._rest, ""
        return [Key("escape"), *_run(rest[1:])]


def _run(text: str) -> list[Press]:
    if len(text) > BURST_CHARS:
        return [Pasted(text)]
    return [press for piece in _PIECE.findall(text) if (press := _press(piece)) is not None]


def _press(piece: str) -> Press | None:
    if piece in _NAMED:
        return Key(_NAMED[piece])
    if piece == "\t":
        return None
    if piece < " ":
        return Key(f"ctrl-{chr(ord(piece) + 0x60)}")
    return Typed(piece)
