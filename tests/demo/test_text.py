from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.demo.text import width, wrap


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("abc", ["abc"]),
        ("one two", ["one", "two"]),
        ("abcdefgh", ["abcde", "fgh"]),
        ("a b\nc", ["a b", "c"]),
        ("abcde fgh", ["abcde", "fgh"]),
        ("日本語", ["日本", "語"]),
        ("a\n", ["a", ""]),
    ],
)
def test_five_columns(text: str, rows: list[str]) -> None:
    assert [text[a:b] for a, b in wrap(text, 5)] == rows


@given(st.text(st.sampled_from("ab \n日")), st.integers(2, 12))
def test_rows_fit_and_only_the_breaks_are_lost(text: str, columns: int) -> None:
    spans = wrap(text, columns)
    assert all(width(text[a:b]) <= columns for a, b in spans)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    for (_, end), (start, _) in pairwise(spans):
        assert text[end:start] in {"", " ", "\n"}
