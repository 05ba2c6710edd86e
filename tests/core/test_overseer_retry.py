"""When a task runs again: each story is a policy, ends, and what became of them."""

from __future__ import annotations

from typing import Any

import pytest

from ccmux.core.overseer.retry import Again, Done, GivenUp, Past, RetryPolicy, Verdict, judged

End = tuple[float, int | None, float]
"""When it ended, with which code (None: it could not be started), and how long it had run."""

STORIES: dict[str, tuple[dict[str, Any], list[tuple[End, Verdict]]]] = {
    "without a delay it runs again at once": ({}, [((10, 1, 1), Again(0.0)), ((11, 0, 1), Again(0.0))]),
    "a delay stays as it is": (
        {"restart_delay": "5s"},
        [((10, 1, 1), Again(5.0)), ((20, 1, 1), Again(5.0)), ((30, 1, 1), Again(5.0))],
    ),
    "the third exit in the window is one too many": (
        {"restart_delay": "1s", "error_window": "10s", "error_threshold": 3},
        [((10, 1, 1), Again(1.0)), ((12, 0, 1), Again(1.0)), ((14, 1, 1), GivenUp(3))],
    ),
    "the window slides": (
        {"error_window": "10s", "error_threshold": 3},
        [
            *[((at, 1, 1), Again(0.0)) for at in (10, 20)],
            *[((at, 1, 1), Again(0.0)) for at in (30.5, 40)],
            ((40.4, 1, 1), GivenUp(3)),
        ],
    ),
    "an exit just at the window's edge counts": (
        {"error_window": "10s", "error_threshold": 2},
        [((10, 1, 1), Again(0.0)), ((20, 1, 1), GivenUp(2))],
    ),
    "without a window nothing is forgotten": (
        {"error_threshold": 2},
        [((10, 1, 1), Again(0.0)), ((10_000, 1, 1), GivenUp(2))],
    ),
    "a window of nothing forgets all": (
        {"error_window": "0s", "error_threshold": 2},
        [((10, 1, 1), Again(0.0)), ((10.1, 1, 1), Again(0.0))],
    ),
    "the delay doubles up to its cap": (
        {"restart_delay": "1s", "max_restart_delay": "3s"},
        [((1, 1, 0), Again(1.0)), ((2, 1, 0), Again(2.0)), ((3, 1, 0), Again(3.0)), ((4, 1, 0), Again(3.0))],
    ),
    "a cap below the delay is no cap": (
        {"restart_delay": "5s", "max_restart_delay": "1s"},
        [((1, 1, 0), Again(5.0)), ((2, 1, 0), Again(5.0))],
    ),
    "who ran long enough begins anew": (
        {"restart_delay": "1s", "max_restart_delay": "1m", "min_uptime": "10s", "error_threshold": 3},
        [
            ((1, 1, 0), Again(1.0)),
            ((2, 1, 0), Again(2.0)),
            ((20, 1, 10), Again(1.0)),
            ((21, 1, 0), Again(1.0)),
            ((22, 1, 0), Again(2.0)),
            ((23, 1, 0), GivenUp(3)),
        ],
    ),
    "a code that says done": (
        {"done_exit_codes": (0, 3)},
        [((1, 1, 0), Again(0.0)), ((2, 3, 0), Done())],
    ),
    "one that cannot be started counts as well": (
        {"restart_delay": "1s", "error_threshold": 2, "min_uptime": "0s", "done_exit_codes": (0,)},
        [((1, None, 0), Again(1.0)), ((2, None, 0), GivenUp(2))],
    ),
    "half of the jitter is added": (
        {"restart_delay": "1s", "restart_jitter": "500ms"},
        [((1, 1, 0), Again(1.25))],
    ),
}


@pytest.mark.parametrize(("policy", "story"), STORIES.values(), ids=STORIES.keys())
def test_a_story(policy: dict[str, Any], story: list[tuple[End, Verdict]]) -> None:
    past = Past()
    for (now, code, ran_s), expected in story:
        verdict, past = judged(RetryPolicy(**policy), past, exit_code=code, ran_s=ran_s, now=now, jitter=0.5)
        assert verdict == expected


def test_without_a_policy_it_is_done() -> None:
    assert judged(None, Past(), exit_code=1, ran_s=0, now=1, jitter=0) == (Done(), Past())


def test_what_nobody_counts_is_not_kept() -> None:
    _, past = judged(RetryPolicy(), Past(), exit_code=1, ran_s=0, now=1, jitter=0)
    assert past.exits == ()


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({}, ""),
        ({"restart_delay": "5s", "error_window": "1m", "error_threshold": 5}, ""),
        ({"restart_delay": "soon"}, "restart_delay"),
        ({"error_window": "-1s"}, "error_window"),
        ({"restart_jitter": "1"}, "restart_jitter"),
        ({"error_threshold": -1}, "error_threshold"),
        ({"error_threshold": 10_001}, "error_threshold"),
    ],
)
def test_a_policy_says_what_is_wrong_with_it(policy: dict[str, Any], says: str) -> None:
    problem = RetryPolicy(**policy).problem()
    assert (says in problem) if says else problem == ""
