"""A draft is put aside when it has been left alone for long enough, and only where Claude surely keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccmux.core.gate import SCREEN_TICK_S, Shut, shut_by
from ccmux.core.observation import Hold, PaneView, Screen, ScreenKind
from ccmux.core.patience import Patience, PutAside
from ccmux.core.state import Activity, Observation

VIEW = PaneView(rows=(), cursor=(2, 0), in_mode=False, dead=False, human_idle_s=None, keys_mark="a")
SCREEN = Screen(kind=ScreenKind.PROMPT, draft="half a thought", stashed=False)
SEEN = Observation(activity=Activity.IDLE, hold=None, detail="", screen=SCREEN, view=VIEW, changed_s=0.0)
EMPTY = replace(SEEN, screen=replace(SCREEN, draft=""))


def patience(seconds: float = 60.0) -> Patience:
    return Patience(patience_s=seconds, idle_threshold_s=30.0)


def weighed(patience: Patience, seen: Observation, now_s: float) -> Shut | PutAside | None:
    shut = shut_by(seen, paused=False, idle_threshold_s=30.0, now_s=now_s)
    return patience.weigh(seen, shut, now_s=now_s)


def drafted(draft: str, **more: object) -> Observation:
    return replace(SEEN, screen=replace(SCREEN, draft=draft), view=replace(VIEW, **more))  # type: ignore[arg-type]


def test_a_draft_is_put_aside_once_it_has_stood_unchanged_for_so_long() -> None:
    watch = patience()
    first = weighed(watch, SEEN, 100.0)
    assert isinstance(first, Shut)
    assert first.detail.endswith("left alone, it is put aside in 60 s")
    assert first.again_s == SCREEN_TICK_S
    assert isinstance(weighed(watch, drafted("another"), 150.0), Shut)
    assert isinstance(weighed(watch, drafted("another"), 209.9), Shut)
    assert weighed(watch, drafted("another"), 210.0) == PutAside()


def test_without_patience_it_is_never() -> None:
    watch = patience(0.0)
    weighed(watch, SEEN, 100.0)
    shut = weighed(watch, SEEN, 1e9)
    assert isinstance(shut, Shut)
    assert "aside" not in shut.detail


@pytest.mark.parametrize(
    ("keys", "rest_s"),
    [({"human_idle_s": 29.0}, 1.0), ({"human_idle_s": 30.0, "keys_quiet_s": 0.75}, 0.25)],
)
def test_nobody_may_be_at_the_keyboard(keys: dict[str, float], rest_s: float) -> None:
    watch = patience()
    seen = drafted("x", **keys)
    weighed(watch, seen, 100.0)
    shut = weighed(watch, seen, 1_000.0)
    assert isinstance(shut, Shut)
    assert shut.again_s == min(rest_s, SCREEN_TICK_S)


@pytest.mark.parametrize(
    ("screen", "why"),
    [
        (replace(SCREEN, stashed=True), "another draft is stashed already"),
        (replace(SCREEN, stashed=None), "it cannot be seen whether"),
        (replace(SCREEN, draft="  \n "), "does nothing with blanks"),
    ],
)
def test_where_it_could_be_lost_or_nothing_would_happen_it_stays(screen: Screen, why: str) -> None:
    watch = patience()
    seen = replace(SEEN, screen=screen)
    weighed(watch, seen, 100.0)
    shut = weighed(watch, seen, 1_000.0)
    assert isinstance(shut, Shut)
    assert shut.hold is Hold.DRAFT
    assert why in shut.detail


def test_other_holds_and_an_open_gate_are_none_of_its_business() -> None:
    watch = patience()
    busy = replace(SEEN, hold=Hold.GENERATING)
    assert weighed(watch, SEEN, 100.0) is not None
    assert weighed(watch, busy, 1_000.0) == shut_by(busy, paused=False, idle_threshold_s=30.0, now_s=1_000.0)
    for blind in (replace(SEEN, screen=None), replace(SEEN, view=None)):
        shut = weighed(watch, blind, 1_000.0)
        assert isinstance(shut, Shut)
        assert shut.hold is Hold.SETTLING
    dialog = replace(SEEN, screen=Screen(kind=ScreenKind.DIALOG), hold=Hold.DIALOG)
    assert isinstance(weighed(watch, dialog, 1_000.0), Shut)
    assert weighed(watch, EMPTY, 1_000.0) is None


@pytest.mark.parametrize(
    ("seen", "worked"),
    [
        (SEEN, None),
        (replace(SEEN, screen=None), None),
        (replace(SEEN, screen=Screen(kind=ScreenKind.UNKNOWN)), None),
        (EMPTY, None),
        (replace(EMPTY, screen=replace(SCREEN, draft="", stashed=True)), True),
        (drafted("they type again"), False),
    ],
)
def test_it_worked_when_the_box_is_empty_and_claude_says_that_it_keeps_it(
    seen: Observation, *, worked: bool | None
) -> None:
    watch = patience()
    weighed(watch, SEEN, 0.0)
    assert watch.pressed(seen) is worked


def test_after_a_success_the_same_draft_is_a_new_one() -> None:
    watch = patience()
    weighed(watch, SEEN, 0.0)
    watch.settled(EMPTY, worked=True)
    assert isinstance(weighed(watch, SEEN, 100.0), Shut)
    assert weighed(watch, SEEN, 160.0) == PutAside()


def test_after_a_failure_it_is_not_tried_again_with_the_same_draft() -> None:
    watch = patience()
    weighed(watch, SEEN, 0.0)
    watch.settled(SEEN, worked=False)
    shut = weighed(watch, SEEN, 1_000.0)
    assert isinstance(shut, Shut)
    assert "Ctrl-S did not do it" in shut.detail
    weighed(watch, drafted("another"), 1_000.0)
    assert weighed(watch, drafted("another"), 1_060.0) == PutAside()


@pytest.mark.parametrize(
    "mended",
    [
        replace(EMPTY, view=replace(VIEW, keys_mark="b")),
        replace(EMPTY, screen=replace(SCREEN, draft="", stashed=True)),
    ],
    ids=["a person was there", "Claude says it late"],
)
def test_a_draft_that_vanished_holds_until_somebody_knows_better(mended: Observation) -> None:
    watch = patience()
    weighed(watch, SEEN, 0.0)
    watch.settled(EMPTY, worked=False)
    for now_s in (10.0, 1e6):
        shut = weighed(watch, EMPTY, now_s)
        assert isinstance(shut, Shut)
        assert shut.hold is Hold.DRAFT
    assert weighed(watch, mended, 1e6) is None
    assert weighed(watch, EMPTY, 1e6) is None


def test_a_vanished_draft_without_a_look_holds_nothing() -> None:
    watch = patience()
    weighed(watch, SEEN, 0.0)
    watch.settled(replace(SEEN, screen=None), worked=False)
    assert weighed(watch, EMPTY, 10.0) is None
