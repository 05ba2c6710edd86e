"""What a program said last before it ended, read from its pane: why Claude does not start. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

ROWS = 5
CHARS = 400

_ESCAPE = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x1f\x7f]")
_TMUX_REMARK = re.compile(r"Pane is dead\b")


def last_words(rows: Sequence[str]) -> str:
    """Return the last rows that say something as one line of at most `CHARS` characters, or "".

    Whole rows, as many as fit; of one that is longer its beginning.

    Args:
        rows: As `capture-pane` gives them. tmux's own remark about a dead pane is left out.
    """
    plain = (_ESCAPE.sub("", row).strip() for row in rows)
    said = [row for row in plain if row and not _TMUX_REMARK.match(row)]
    last: list[str] = []
    for row in reversed(said[-ROWS:]):
        if last and len(" / ".join([row, *last])) > CHARS:
            break
        last.insert(0, row[:CHARS])
    return " / ".join(last)
