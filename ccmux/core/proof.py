"""Says whether a submitted text (UserPromptSubmit, transcript) carries what we typed: the proof of delivery.

It compares texts; what follows from it is decided elsewhere. It must not be talked into a yes by a message
that quotes another one: ours counts only where no message's own text can stand.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from ccmux.core.prompt import INDENT

_OPENING = re.compile(r'<pasted_content id="([^"\n]*)">\n')
_MARKUP = re.compile("[<\u02c2\u1438\u2039\u2329\u276e\u27e8\u3008\ufe64\uff1c]\\\\?")
r"""The CLI writes `<\` where a text could be taken for its own wrapper, and for look-alikes of `<` too."""

_HEADER = re.compile(r"\[\d\d:\d\d [A-Za-z0-9][A-Za-z0-9_.-]*\] ")


class Match(Enum):
    """How a submitted text and ours relate; all but `NO` are a proof while ours is being typed."""

    EXACT = auto()
    """It is ours and nothing else."""
    WITHIN = auto()
    """Ours, whole, beside a draft of a person's or other messages."""
    FOLLOWED = auto()
    """Ours, and more on its last line: a person's words typed behind it, or another message that begins
    like ours. Long after the typing this proves nothing."""
    NO = auto()
    """It does not hold ours."""


def carries(submitted: str, *, lead: str, body: str) -> Match:
    """Say whether `submitted` holds our text.

    Args:
        submitted: As Claude reports it: bare, or wrapped as pasted content, with or without the lead.
        lead: As built; "" where the body stands alone.
        body: As built.

    """
    said, ours, ours_before = _plain(submitted), _plain(body), _plain(lead)
    best = Match.NO
    start = said.find(ours) if ours else -1
    while start >= 0 and best is not Match.EXACT:
        match = _match(said[:start], said[start + len(ours) :], lead=ours_before)
        best = min(best, match, key=_RANK.index)
        start = said.find(ours, start + 1)
    return best


_RANK = (Match.EXACT, Match.WITHIN, Match.FOLLOWED, Match.NO)


def _match(before: str, after: str, *, lead: str) -> Match:
    """Judge one place where ours stands, by what stands around it."""
    before, after = _unwrapped(before, after)
    if lead:
        before = before.rstrip().removesuffix(lead)
    if _inside_a_message(before):
        return Match.NO
    line_rest, newline, next_lines = after.partition("\n")
    if line_rest.strip():
        return Match.FOLLOWED if line_rest.startswith(" ") else Match.NO
    if newline and next_lines.startswith(INDENT):
        return Match.NO  # a longer message that begins like ours
    return Match.WITHIN if before.strip() or after.strip() else Match.EXACT


def _unwrapped(before: str, after: str) -> tuple[str, str]:
    """Take away the CLI's wrapper where it stands around ours; it begins a line, as no message's text can."""
    line_start = before.rfind("\n", 0, -1) + 1
    opening = _OPENING.fullmatch(before, line_start)
    if opening is None:
        return before, after
    # The blank behind a bare body is inside the wrapper where the CLI wraps sooner than we thought.
    rest = after.removeprefix(" ").removeprefix(f'\n</pasted_content id="{opening[1]}">')
    return (before, after) if rest == after.removeprefix(" ") else (before[:line_start], rest)


def _inside_a_message(before: str) -> bool:
    """Whether what follows stands in a message's own text: behind a header or in an indented line."""
    line = before[before.rfind("\n") + 1 :]
    return line.startswith(INDENT) or _HEADER.search(line) is not None


def _plain(text: str) -> str:
    return _MARKUP.sub("<", text).strip()
