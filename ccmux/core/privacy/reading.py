"""Turns a file's bytes into text that can be looked through, whatever they are. It never fails.

What is compressed or encrypted in a file (pictures' text, archives, base64) is not unpacked.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096
_MANY = 0.3
"""Such a share of the bytes at even, or at odd, places is zero in UTF-16 of European text."""

_RUN = re.compile(rb"[\t\x20-\x7e]{6,}")
_WIDE_RUN = re.compile(rb"(?:[\t\x20-\x7e]\x00){6,}|(?:\x00[\t\x20-\x7e]){6,}")
_EIGHT_BITS = ("latin-1", "gb18030", "big5")
"""Of text that is no UTF-8 nobody knows the encoding: each of these shows its ASCII, one of them the rest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as text.

    Attributes:
        texts: All ways to read it; most files have one. Lines have the same numbers in each.
        is_binary: It is no text: what is readable in it stands a run a line, and line numbers mean nothing.

    """

    texts: Sequence[str]
    is_binary: bool = False


def read(content: bytes) -> Reading:
    """Return the text of a file."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return Reading([content[len(bom) :].decode(encoding, errors="replace")])
    if b"\0" in content:
        wide = _wide(content[:_SAMPLE])
        return Reading([content.decode(wide, errors="replace")]) if wide else _runs(content)
    try:
        return Reading([content.decode()])
    except UnicodeDecodeError:
        return Reading([content.decode(encoding, errors="replace") for encoding in _EIGHT_BITS])


def _wide(sample: bytes) -> str:
    """Return the UTF-16 that this is the beginning of, "" where it is none."""
    even, odd = sample[::2], sample[1::2]
    if odd.count(0) > _MANY * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if even.count(0) > _MANY * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return ""


def _runs(content: bytes) -> Reading:
    runs = [run.decode() for run in _RUN.findall(content)]
    runs += [run.replace(b"\0", b"").decode() for run in _WIDE_RUN.findall(content)]
    return Reading(["\n".join(runs)], is_binary=True)
