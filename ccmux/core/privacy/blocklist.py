"""The personal blocklist: names, numbers and places of somebody's own that must never be committed.

One a line, as it is written; a line that begins with # is a comment. It is found in any case and at the
bounds of words, and between its words may stand whatever joins words: `Max Muster` is also max_muster.txt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from ccmux.core.personal.words import lowered

_NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that put no blanks between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese), or put particles
behind them (Korean): there a word ends wherever it ends."""

_LETTER = rf"[^\W\d_{_NO_BLANKS}]"
_JOINER = r"[\W_]{0,3}"


class Blocklist:
    """What a blocklist's text says."""

    def __init__(self, text: str) -> None:
        """Read it; a line without a letter or digit says nothing."""
        lines = (line.strip() for line in text.splitlines())
        words = [line.split() for line in lines if not line.startswith("#")]
        self._entries = [_entry(form) for parts in words for form in _forms(parts)]

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each place where an entry stands."""
        low = lowered(text)
        for hint, pattern in self._entries:
            if hint in low:
                yield from (match.span() for match in pattern.finditer(text))


def _forms(parts: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the ways in which Unicode writes the same words: macOS takes an ü of a file's name apart."""
    if not any(char.isalnum() for part in parts for char in part):
        return set()
    normal = (tuple(unicodedata.normalize(form, part) for part in parts) for form in ("NFC", "NFD"))
    return {tuple(parts), *normal}


def _entry(parts: Sequence[str]) -> tuple[str, re.Pattern[str]]:
    """Return a word that must stand in a text, small, and what must match there."""
    body = _JOINER.join(re.escape(part) for part in parts)
    pattern = re.compile(_bound(parts[0][0], "<!") + body + _bound(parts[-1][-1], "!"), re.IGNORECASE)
    return lowered(max(parts, key=len)), pattern


def _bound(edge: str, look: str) -> str:
    """Return what must not stand beside an edge, so that a word is not found within another."""
    if re.fullmatch(_LETTER, edge) or unicodedata.combining(edge):
        return f"(?{look}{_LETTER})"
    return rf"(?{look}\d)" if edge.isdigit() else ""
