"""Wall time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time, for what people read and for other programs' stamps. Waiting uses the loop's own clock."""

    def now(self) -> float:
        """Return epoch seconds."""
        ...

    def local(self, ts: float) -> datetime:
        """Return local time of `ts` (epoch seconds), aware."""
        ...

    def hhmm(self, ts: float) -> str:
        """Return local wall time of `ts` (epoch seconds) as `HH:MM`."""
        ...
