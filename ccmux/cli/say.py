"""How the command line says things: ages, JSON, and foreign text that must not command the terminal."""

from __future__ import annotations

import json
from typing import Any


def as_json(value: Any) -> str:
    """Return one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def age(seconds: float) -> str:
    """Return a duration for a person: "12 s", "3 min", "2 h 5 min", "4 d 1 h"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def printable(text: str, *, keep: str = "") -> str:
    """Return a foreign text whose control characters are shown as `·`, those in `keep` excepted."""
    return "".join(char if char.isprintable() or char in keep else "·" for char in text)


def glimpse(text: str, *, chars: int) -> str:
    """Return the start of a foreign text on one line."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= chars else line[: chars - 1] + "…"
