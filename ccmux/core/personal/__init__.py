"""Finds what is personal or secret in a text: who, where, what opens doors. It decides no consequence.

Told by form alone, so it works in any language and inside any script: addresses, phone numbers, keys, home
folders, hosts of a private network. What is known to belong to nobody (`placeholders.py`: example.com,
555-0123, /home/user) is not found. On a real machine some of it belongs to somebody: who asks strictly finds
homes and hosts whatever they are called, and addresses of private networks. Names of people have no form:
those are for whoever has a list of them.
"""

from __future__ import annotations

from ccmux.core.personal import addresses, keys, phones, places
from ccmux.core.personal.finding import Finding, Kind

__all__ = ["Finding", "Kind", "find_personal"]

_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Digits, letters and signs as East Asian input methods write them, each one character as well."""


def find_personal(text: str, *, strict: bool = False) -> list[Finding]:
    """Return what is found, in the order of the text. None lies inside another; some overlap.

    The first of thousands of texts takes a quarter of a second more: detectors are loaded when first needed.

    Args:
        text: Where to look.
        strict: It tells of a real machine, where alice is a login and 192.168.0.2 a host, and not of code.

    """
    folded = text.translate(_FULLWIDTH) if not text.isascii() else text
    found = [
        *keys.find(folded),
        *addresses.find(folded),
        *phones.find(folded),
        *places.find(folded, strict=strict),
    ]
    # Of two at one place the first kind in this order stays, and of nested ones the outer.
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Finding] = []
    for one in found:
        if not kept or one.end > kept[-1].end:
            kept.append(one)
    return kept
