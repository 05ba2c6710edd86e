"""Text on a terminal: colours, widths and line breaks, in Claude Code's palette. Pure."""

from __future__ import annotations

import re
import unicodedata

GREY, RULE, DASH, ACCENT, PINK, ORANGE, GREEN, YELLOW, WHITE = 246, 244, 239, 153, 211, 174, 114, 220, 231

_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def colour(number: int, text: str) -> str:
    """Return `text` in one of the 256 colours."""
    return f"\x1b[38;5;{number}m{text}\x1b[39m"


def bold(text: str) -> str:
    """Return `text` in bold."""
    return f"\x1b[1m{text}\x1b[22m"


def dim(text: str) -> str:
    """Return `text` dimmed."""
    return f"\x1b[2m{text}\x1b[22m"


def reverse(text: str) -> str:
    """Return `text` with foreground and background exchanged: the cursor."""
    return f"\x1b[7m{text}\x1b[27m"


def printable(text: str) -> str:
    """Return `text` without control characters but for line breaks."""
    return _UNPRINTABLE.sub("", text)


def width(text: str) -> int:
    """Return how many columns `text` takes; it holds no escape sequences."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, columns: int) -> list[tuple[int, int]]:
    """Return (start, end) of each row of `text` at this width; a row breaks at a blank where it has one.

    The line break or blank a row breaks at belongs to no row.
    """
    rows: list[tuple[int, int]] = []
    start = used = 0
    blank = -1
    for at, char in enumerate(text):
        if char == "\n":
            rows.append((start, at))
            start, used, blank = at + 1, 0, -1
            continue
        wide = _char_width(char)
        if used + wide > columns and char == " ":
            rows.append((start, at))
            start, used, blank = at + 1, 0, -1
            continue
        if used + wide > columns and blank >= start:
            rows.append((start, blank))
            start, used, blank = blank + 1, width(text[blank + 1 : at]), -1
        if used + wide > columns:
            rows.append((start, at))
            start, used = at, 0
        if char == " ":
            blank = at
        used += wide
    return [*rows, (start, len(text))]
