"""Times in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ccmux.core.when import Wall, age, often

NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
"""A Friday."""

WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
HOUR_S, DAY_S = 3_600.0, 86_400.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (2 * HOUR_S + 300, "2 h 5 min"),
        (DAY_S, "1 d 0 h"),
        (4 * DAY_S + HOUR_S, "4 d 1 h"),
    ],
)
def test_a_duration_has_the_two_units_that_count(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_how_often_is_told_as_people_say_it() -> None:
    assert [often(count) for count in (1, 2, 30)] == ["once", "2 times", "30 times"]


@pytest.mark.parametrize(
    ("away_s", "words"),
    [
        (-6 * HOUR_S, "06:00"),
        (11 * HOUR_S, "23:00"),
        (12 * HOUR_S, "Sat 00:00"),
        (-3 * DAY_S, "Tue 12:00"),
        (3 * DAY_S, "Mon 12:00"),
        (4 * DAY_S, "24 Nov 2026 12:00"),
        (-20 * DAY_S, "31 Oct 2026 12:00"),
    ],
)
def test_a_time_says_as_much_of_the_date_as_tells_it_from_now(away_s: float, words: str) -> None:
    assert WALL.at(NOW_S + away_s) == words


@pytest.mark.parametrize(
    ("away_s", "words"),
    [
        (3 * HOUR_S, "15:00 (in 3 h 0 min)"),
        (0, "12:00 (0 s ago)"),
        (-90, "11:58 (1 min ago)"),
        (-DAY_S, "Thu 12:00 (1 d 0 h ago)"),
    ],
)
def test_a_time_says_how_far_it_is(away_s: float, words: str) -> None:
    assert WALL.toward(NOW_S + away_s) == words


def test_a_span_has_both_ends_and_is_never_negative() -> None:
    assert WALL.span(NOW_S - HOUR_S, NOW_S) == "11:00 to 12:00 (1 h 0 min)"
    assert WALL.span(NOW_S, NOW_S - 2) == "12:00 to 11:59 (0 s)"
