from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.laggards import PATIENCE_S, Laggards


def test_who_caught_up_is_told_the_newest_where_there_is_a_newer_one() -> None:
    lag: Laggards[str] = Laggards()
    lag.add("slow", 3, now_s=0)
    assert lag.others(["slow", "quick"]) == ["quick"]
    assert len(lag) == 1
    assert lag.caught_up("slow", 5)
    assert lag.others(["slow", "quick"]) == ["slow", "quick"]
    lag.add("slow", 5, now_s=1)
    assert not lag.caught_up("slow", 5)
    assert len(lag) == 0


def test_who_never_lagged_has_the_newest() -> None:
    assert not Laggards[str]().caught_up("quick", 7)


def test_who_takes_nothing_for_long_is_given_up_and_forgotten_when_it_went() -> None:
    lag: Laggards[str] = Laggards()
    lag.add("first", 1, now_s=0)
    lag.add("second", 2, now_s=1)
    assert lag.given_up(now_s=PATIENCE_S - 0.1) == []
    assert lag.given_up(now_s=PATIENCE_S) == ["first"]
    lag.forget("first")
    lag.forget("never known")
    assert lag.given_up(now_s=PATIENCE_S) == []
    assert lag.given_up(now_s=PATIENCE_S + 1) == ["second"]


@given(st.lists(st.sampled_from(["state", "full", "drained"])))
def test_a_viewer_ends_with_the_newest_however_slow_it_was(story: list[str]) -> None:
    lag: Laggards[str] = Laggards()
    newest, has, is_full = 0, 0, False
    for does in [*story, "drained"]:
        if does == "full":
            is_full = True
            continue
        if does == "drained":
            is_full = False
            sends = lag.caught_up("v", newest)
        else:
            newest += 1
            sends = lag.others(["v"]) == ["v"]
        if sends:
            has = newest
            if is_full:
                lag.add("v", newest, now_s=0)
    assert has == newest
