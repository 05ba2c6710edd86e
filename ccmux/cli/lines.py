"""Breaks what we say into lines that fit a terminal. Commands stay whole, so that they can be copied."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

COLUMNS = 80
"""The width that help is written for: everybody has it."""

_COMMENT = re.compile(r" +\S.*? {2,}(?=\S)")
_BEHIND_A_COMMAND = re.compile(r"(?<=[;:] )|(?<= && )|(?<= )(?=\()")
_NARROWEST = 20


def help_lines(text: str) -> str:
    """Return help that fits: paragraphs are filled anew, of a line of a list its comment is broken."""
    return "\n\n".join(_paragraph(paragraph) for paragraph in text.strip("\n").split("\n\n")) + "\n"


def mend_lines(mend: str, columns: int | None) -> list[str]:
    """Return a mend in lines of at most `columns`, as far as it has words between its commands.

    A line that is broken behind `&&` is the same to a shell. None: it is one line.
    """
    if columns is None or len(mend) <= columns:
        return [mend]
    lines = [""]
    for piece in _BEHIND_A_COMMAND.split(mend):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > columns:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _paragraph(paragraph: str) -> str:
    lines = paragraph.split("\n")
    if any(line.startswith(" ") for line in lines):
        return "\n".join(broken for line in lines for broken in _listed(line))
    return textwrap.fill(paragraph, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _listed(line: str) -> Iterator[str]:
    head = _COMMENT.match(line)
    if len(line) <= COLUMNS or head is None or COLUMNS - head.end() < _NARROWEST:
        yield line
        return
    first, *rest = textwrap.wrap(
        line[head.end() :], COLUMNS - head.end(), break_long_words=False, break_on_hyphens=False
    )
    yield line[: head.end()] + first
    yield from (" " * head.end() + more for more in rest)
