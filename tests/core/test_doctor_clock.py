"""The clock is believed where a time service keeps it and it lies behind nothing we remember."""

from __future__ import annotations

import pytest

from ccmux.core.doctor.clock import judge_clock
from ccmux.core.findings import Verdict

NOW = 1_795_000_000.0  # November 2026


@pytest.mark.parametrize(
    ("now", "newest", "synchronised", "verdict", "word"),
    [
        (NOW, None, True, Verdict.OK, "synchronised"),
        (NOW, NOW + 59, True, Verdict.OK, "synchronised"),
        (NOW, NOW + 7_300, True, Verdict.BAD, "2 h 1 min ahead"),
        (NOW, NOW - 1e6, False, Verdict.WARN, "no time service"),
        (NOW, None, None, Verdict.WARN, "cannot be known"),
        (0.0, None, True, Verdict.BAD, "1970"),
        (4.2e9, None, True, Verdict.BAD, "2103"),
    ],
)
def test_the_clock(
    now: float, newest: float | None, synchronised: bool | None, verdict: Verdict, word: str
) -> None:
    found = judge_clock(now=now, newest_event=newest, synchronised=synchronised).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not Verdict.OK)
