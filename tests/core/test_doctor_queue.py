"""What waits is told where a person must do something about it."""

from __future__ import annotations

import pytest

from ccmux.core.doctor.queue import judge_outgoing, judge_queue
from ccmux.core.findings import Verdict


@pytest.mark.parametrize(
    ("counts", "paused", "paused_s", "says"),
    [
        ({}, False, None, ["empty"]),
        ({"queued": 3, "dead": 0}, False, None, ["3 waiting, no dead letters"]),
        ({"queued": 3}, True, 7_200.0, ["injection is paused for 2 h 0 min"]),
        ({}, True, None, ["injection is paused"]),
        (
            {"dead": 2, "uncertain": 1},
            False,
            None,
            ["2 could not be taken or delivered", "of 1 nobody knows yet whether Claude took them"],
        ),
    ],
)
def test_the_queue(counts: dict[str, int], paused: bool, paused_s: float | None, says: list[str]) -> None:
    found = [one.finding for one in judge_queue(counts, paused=paused, paused_s=paused_s)]
    assert [one.says for one in found] == says
    assert all(bool(one.mend) is (one.verdict is Verdict.WARN) for one in found)


def test_answers_that_nobody_reads_are_told_by_channel() -> None:
    [found] = judge_outgoing({"mail": 4, "chat": 0})
    assert (found.finding.name, found.finding.says) == ("out.mail", "4 answers wait for a reader")
