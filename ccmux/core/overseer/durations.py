"""Durations as clients write them, "5s", "1m30s", "250ms", and as they are told. Whole nanoseconds inside.

The grammar is that of Go's `time.ParseDuration` and `Duration.String`, which the clients were made for; of
negative ones there are none here.
"""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5
    "μs": 1_000,  # U+03BC
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SECOND = _UNITS["s"]
_LONGEST = 2**63 - 1
_PART = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> int | None:
    """Return nanoseconds, None where it is no duration or longer than 292 years."""
    rest = text.removeprefix("+")
    if rest == "0":
        return 0
    total = Fraction(0)
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        total += Fraction("0" + part[1].removesuffix(".")) * _UNITS[part[2]]
        rest = rest[part.end() :]
    return int(total) if text.strip("+") and total <= _LONGEST else None


def format_duration(nanoseconds: int) -> str:
    """Return the shortest text that says it, as Go does: "0s", "1.5ms", "1m0s", "26h0m1s"."""
    if nanoseconds < _SECOND:
        for unit in ("ns", "µs", "ms"):
            if 0 < nanoseconds < 1_000 * _UNITS[unit]:
                return _decimal(nanoseconds, _UNITS[unit]) + unit
        return "0s"
    minutes, rest = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest, _SECOND) + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def seconds(nanoseconds: int) -> float:
    """Return the same in seconds."""
    return nanoseconds / _SECOND


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
