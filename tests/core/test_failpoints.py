"""What names a failpoint."""

from __future__ import annotations

import pytest

from ccmux.core.failpoints import Failpoint, Point, parse_failpoint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pasted", Failpoint(Point.PASTED, 1)),
        ("turn-seen:12", Failpoint(Point.TURN_SEEN, 12)),
        *[(point.value, Failpoint(point, 1)) for point in Point],
    ],
)
def test_a_name_and_a_count_are_a_failpoint(text: str, meant: Failpoint) -> None:
    assert parse_failpoint(text) == meant


@pytest.mark.parametrize("text", ["", "paste", "pasted:", "pasted:0", "pasted:x", ":1", "pasted:²"])
def test_anything_else_is_none(text: str) -> None:
    assert parse_failpoint(text) is None
