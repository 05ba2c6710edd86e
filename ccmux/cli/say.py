"""How the command line says things: JSON, and foreign text that must not command the terminal."""

from __future__ import annotations

import json
from typing import Any


def as_json(value: Any) -> str:
    """Return one line of JSON; bytes of a path that are no text become an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace").decode()


def printable(text: str, *, keep: str = "") -> str:
    """Return a foreign text whose control characters are shown as `·`, those in `keep` excepted."""
    return "".join(char if char.isprintable() or char in keep else "·" for char in text)


def glimpse(text: str, *, chars: int) -> str:
    """Return the start of a foreign text on one line."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= chars else line[: chars - 1] + "…"
