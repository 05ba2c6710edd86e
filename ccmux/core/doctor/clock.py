"""Whether the wall clock can be believed: timers, ages and the order of what is remembered stand on it."""

from __future__ import annotations

from datetime import UTC, datetime

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns
from ccmux.core.when import age

WENT_BACK_S = 60.0
"""A clock that is set right goes back by seconds; by more than this somebody turned it."""

_FIRST_YEAR, _LAST_YEAR = 2026, 2099
_SET_IT = "set it: sudo timedatectl set-ntp true, or start chrony or ntpd"


def judge_clock(*, now: float, newest_event: float | None, synchronised: bool | None) -> Diagnosis:
    """Judge the clock.

    Args:
        now: What it says; epoch seconds.
        newest_event: When the newest event of the database was written; None where there is none.
        synchronised: Whether a time service keeps it; None where the kernel does not tell.

    """
    year = datetime.fromtimestamp(now, UTC).year
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return ails("clock", "", f"it says the year {year}", _SET_IT)
    if newest_event is not None and now < newest_event - WENT_BACK_S:
        back_s = newest_event - now
        says = f"it went back: the newest event of the database lies {age(back_s)} ahead"
        return ails("clock", "", says, _SET_IT)
    if synchronised is None:
        return warns("clock", "", "whether it is synchronised cannot be known here", "see: timedatectl")
    if not synchronised:
        return warns("clock", "", "no time service keeps it right", _SET_IT)
    return fine("clock", "", "synchronised")
