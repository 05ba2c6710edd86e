"""Matches a pattern only where one of its words stands: searching for a word is a hundred times cheaper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def lowered(text: str) -> str:
    """Return the text in small letters, each at its place: lower() makes two characters of some."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_ASCII_LOWER)


def at_words(pattern: re.Pattern[str], words: Sequence[str], text: str, low: str) -> Iterator[re.Match[str]]:
    """Return the matches that begin at one of these words.

    Args:
        pattern: What must follow, the word itself first.
        words: Where to look.
        text: What is matched.
        low: The same, as the words are written.

    """
    for word in words:
        at = low.find(word)
        while at >= 0:
            match = pattern.match(text, at)
            if match:
                yield match
            at = low.find(word, at + 1)
