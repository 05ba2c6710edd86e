"""What Claude is told after a start: what happened since the last time, and what is not well now.

`happened` turns what was going on into findings, `report` turns findings into a message and into what is
remembered of it. Facts in, values out; it looks at nothing and sends nothing.
"""

from __future__ import annotations

from ccmux.core.selfcheck.happened import (
    Gap,
    Missed,
    gaps_between,
    happenings,
    missed_in,
    waiting,
)
from ccmux.core.selfcheck.report import CHANNEL, LastCheck, Report, last_check, line_of, remembered, report_of

__all__ = [
    "CHANNEL",
    "Gap",
    "LastCheck",
    "Missed",
    "Report",
    "gaps_between",
    "happenings",
    "last_check",
    "line_of",
    "missed_in",
    "remembered",
    "report_of",
    "waiting",
]
