"""What the text in the input box is to what we pasted: nothing yet, part of it, all of it, somebody else's.

Screens wrap, cut and re-draw text, so both are compared without white space and without the characters whose
picture depends on the terminal (emoji, marks, joiners). An ASCII letter too many or too few always tells.
Long pastes stand in the box as `[Pasted text #2 +4 lines]` (Claude Code 2.1.329: over 800 characters, or 4
lines and more; the number counts the newlines and is absent where there are none).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

_PLACEHOLDER = re.compile(r"\[Pastedtext#\d+(?:\+(\d+)lines?)?\]")
_TAIL_CHARS = 100
"""A box taller than the terminal shows its end only. A tail this long is nobody's draft by chance."""


class Echo(StrEnum):
    """The box's content, seen from what we pasted."""

    NOTHING = "nothing"
    """The box is empty."""
    PARTLY = "partly"
    """The beginning of ours: the rest is not drawn yet."""
    LEAD = "lead"
    """The line before ours, whole and alone: what follows it is not drawn yet, or was never pasted."""
    OURS = "ours"
    """Exactly ours."""
    HIDDEN = "hidden"
    """The box is not to be seen: something else has the screen."""
    FOREIGN = "foreign"
    """Something that is not, or not only, ours."""


def echo_of(draft: str, *, lead: str, body: str) -> Echo:
    """Tell what `draft` is to a paste of `lead` (may be "") and, behind it, `body`.

    Args:
        draft: The box's text as the screen shows it.
        lead: The line pasted before the body; always shown as it is.
        body: The text pasted last; shown as it is or as a placeholder.
    """
    if not draft.strip():
        return Echo.NOTHING
    shown, head = _comparable(draft), _comparable(lead)
    ours = head + _comparable(body)
    if shown == ours:
        return Echo.OURS
    if head and shown == head:
        return Echo.LEAD
    placeholder = _PLACEHOLDER.fullmatch(shown.removeprefix(head)) if shown.startswith(head) else None
    if placeholder is not None:
        return Echo.OURS if int(placeholder[1] or 0) == body.count("\n") else Echo.FOREIGN
    if shown and ours.startswith(shown):
        return Echo.PARTLY
    if len(shown) >= _TAIL_CHARS and ours.endswith(shown):
        return Echo.OURS
    return Echo.FOREIGN


def _comparable(text: str) -> str:
    """Keep ASCII but its white space, and of the rest the letters and digits every terminal draws alike.

    Decomposed, so that no mark can hide the ASCII character it belongs to.
    """
    return "".join(char for char in unicodedata.normalize("NFD", text) if _counts(char))


def _counts(char: str) -> bool:
    if char.isascii():
        return char.isprintable() and char != " "
    return char.isalnum()
