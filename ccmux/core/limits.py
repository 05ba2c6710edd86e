"""When a usage limit ends, read from Claude's own sentence. It reads no clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

UNKNOWN_RESET = timedelta(minutes=15)
"""How long to wait where the sentence names no time: tries are not burnt, and the end is noticed soon."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RESETS = re.compile(
    r"resets\s+(?:(?P<day>mon|tue|wed|thu|fri|sat|sun)\w*\s+)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>am|pm)",
    re.IGNORECASE,
)


def limit_ends(sentence: str, *, now: datetime) -> datetime:
    """Return when to try again after a limit, worded `You've hit your session limit · resets 3:45pm`.

    Args:
        sentence: The error as Claude shows it; "resets Mon 12:00am" names a day too.
        now: Local time, aware.
    """
    found = _RESETS.search(sentence)
    if found is None or not 1 <= int(found["hour"]) <= 12:
        return now + UNKNOWN_RESET
    hour = int(found["hour"]) % 12 + (12 if found["half"].lower() == "pm" else 0)
    minute = min(int(found["minute"] or 0), 59)
    ends = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if found["day"] is not None:
        ends += timedelta(days=(_WEEKDAYS.index(found["day"].lower()) - ends.weekday()) % 7)
    if ends <= now:
        ends += timedelta(days=7 if found["day"] is not None else 1)
    return ends
