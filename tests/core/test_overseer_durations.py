"""Durations are read and written as the clients, which are written in Go, do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.overseer.durations import format_duration, parse_duration, seconds

MS, S, M, H = 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000

READ = {
    "5s": 5 * S,
    "1m30s": 90 * S,
    "1h": H,
    "100ms": 100 * MS,
    "1.5s": 1_500 * MS,
    ".5s": 500 * MS,
    "2.s": 2 * S,
    "+1s": S,
    "0": 0,
    "0s": 0,
    "300us": 300_000,
    "300µs": 300_000,
    "300μs": 300_000,
    "7ns": 7,
    "1.9ns": 1,
    "2h45m0.25s": 2 * H + 45 * M + 250 * MS,
}
REFUSED = [
    "",
    "5",
    "s",
    "-5s",
    "5 s",
    "5S",
    "1d",
    "1m30",
    "1,5s",
    ".s",
    "1e3s",
    "++1s",
    "٣s",
    "+",
    "293y",
    "9999999h",
]


@pytest.mark.parametrize(("text", "nanoseconds"), READ.items())
def test_a_duration_is_read(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_none_is_refused(text: str) -> None:
    assert parse_duration(text) is None


TOLD = {0: "0s", 7: "7ns", 1_500: "1.5µs", 100 * MS: "100ms", S: "1s", 90 * S: "1m30s", M: "1m0s"}
TOLD |= {1_500 * MS: "1.5s", H: "1h0m0s", 26 * H + S: "26h0m1s", 999_999_999: "999.999999ms"}


@pytest.mark.parametrize(("nanoseconds", "text"), TOLD.items())
def test_a_duration_is_told(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text


@given(st.integers(0, 2**63 - 1))
def test_what_is_told_can_be_read(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    found = parse_duration(text)
    assert found is None or 0 <= found < 2**63


def test_seconds() -> None:
    assert seconds(1_500 * MS) == 1.5
