"""Times and durations in words for a person: "12 min", "Sat 07:00 (in 3 h 5 min)". It reads no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


def age(seconds: float) -> str:
    """Return a duration: "12 s", "3 min", "2 h 5 min", "4 d 1 h"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def often(count: int) -> str:
    """Return how often: "once", "3 times"."""
    return "once" if count == 1 else f"{count} times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The clock on the wall, as it stands.

    Attributes:
        now_s: Epoch seconds.
        local: Turns epoch seconds into local time, aware.

    """

    now_s: float
    local: Callable[[float], datetime]

    def at(self, ts: float) -> str:
        """Return local time with as much date as it takes: "07:00", "Sat 07:00", "20 Nov 2026 07:00"."""
        then, now = self.local(ts), self.local(self.now_s)
        apart = abs((then.date() - now.date()).days)
        if apart == 0:
            return f"{then:%H:%M}"
        # A weekday names one day only as long as none of its name is nearer.
        return f"{then:%a %H:%M}" if apart < 4 else f"{then:%-d %b %Y %H:%M}"

    def toward(self, ts: float) -> str:
        """Return local time and how far that is: "Sat 07:00 (in 3 h 5 min)", "06:00 (2 h 0 min ago)"."""
        away_s = ts - self.now_s
        return f"{self.at(ts)} ({f'in {age(away_s)}' if away_s > 0 else f'{age(-away_s)} ago'})"

    def span(self, from_s: float, to_s: float) -> str:
        """Return both ends and the length: "02:10 to 07:30 (5 h 20 min)"."""
        return f"{self.at(from_s)} to {self.at(to_s)} ({age(max(0.0, to_s - from_s))})"
