"""Wall time and local time. The only place that reads them; waiting uses the event loop's clock."""

from __future__ import annotations

import time
from datetime import datetime


class WallClock:
    """Fulfils `Clock`."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def local(self, ts: float) -> datetime:
        """Return local time of `ts` (epoch seconds), aware; a time no calendar holds becomes the epoch."""
        try:
            return datetime.fromtimestamp(ts).astimezone()
        except (OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(0).astimezone()

    def hhmm(self, ts: float) -> str:
        """Return local wall time of `ts` (epoch seconds) as `HH:MM`."""
        return self.local(ts).strftime("%H:%M")
