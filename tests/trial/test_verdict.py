"""What results mean for an upgrade."""

from __future__ import annotations

import pytest

from ccmux.trial.run import Result
from ccmux.trial.verdict import Versions, is_safe, sentence

TESTED = "2.1.3"
ALL, SOME = {"a": True, "b": True}, {"a": True, "b": False, "c": False}


@pytest.mark.parametrize(
    ("passed", "tried", "in_use", "fails_in_use", "says"),
    [
        (ALL, "2.1.9", "2.1.5", (), "safe: Claude Code 2.1.9 passed all 2 cases"),
        (ALL, "2.1.9", "2.1.9", (), "safe: Claude Code 2.1.9, the one in use, passed all 2 cases"),
        (SOME, "2.1.9", "2.1.5", ("c",), "2.1.9 failed in 2 of 3 cases (b; c); stay with 2.1.5"),
        (
            SOME,
            "2.1.9",
            "2.1.5",
            ("c", "b"),
            "(b; c), and 2.1.5 fails in them as well: see ccmux doctor first",
        ),
        (SOME, "2.1.9", "2.1.9", (), "(b; c); use 2.1.3, which this ccmux was tested with"),
        (SOME, "2.1.9", "", (), "(b; c); use 2.1.3, which this ccmux was tested with"),
        (SOME, "2.1.3", "", (), "(b; c); see ccmux doctor"),
    ],
)
def test_the_verdict_in_words(
    passed: dict[str, bool], tried: str, in_use: str, fails_in_use: tuple[str, ...], says: str
) -> None:
    results = [Result(name=name, passed=well, took_s=1.0) for name, well in passed.items()]
    versions = Versions(tried=tried, in_use=in_use, tested=TESTED)
    told = sentence(results, versions, fails_in_use=fails_in_use)
    assert told.endswith(says)
    assert told.startswith("safe: " if is_safe(results) else "not safe: ")


def test_nothing_tried_is_not_safe() -> None:
    assert not is_safe([])
