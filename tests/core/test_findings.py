"""What a check found."""

from __future__ import annotations

import pytest

from ccmux.core.findings import Finding, Verdict, all_well


@pytest.mark.parametrize(
    ("verdicts", "well"),
    [
        ([], True),
        ([Verdict.OK, Verdict.WARN], True),
        ([Verdict.OK, Verdict.BAD, Verdict.OK], False),
    ],
)
def test_only_what_is_bad_is_a_failure(verdicts: list[Verdict], *, well: bool) -> None:
    assert all_well([Finding(area="disk", verdict=one, says="x") for one in verdicts]) is well
