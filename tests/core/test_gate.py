"""The gate opens for an idle, settled Claude with an empty box and nobody typing; for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccmux.core.gate import SAFETY_TICK_S, SCREEN_TICK_S, Shut, shut_by
from ccmux.core.observation import Hold, PaneView, Screen, ScreenKind
from ccmux.core.state import Activity, Observation

VIEW = PaneView(rows=("❯ ",), cursor=(2, 0), in_mode=False, dead=False, human_idle_s=None)
SCREEN = Screen(kind=ScreenKind.PROMPT)
IDLE = Observation(activity=Activity.IDLE, hold=None, detail="", screen=SCREEN, view=VIEW, changed_s=0.0)


def judged(seen: Observation, *, paused: bool = False, now_s: float = 100.0) -> Shut | None:
    return shut_by(seen, paused=paused, idle_threshold_s=30.0, now_s=now_s)


def test_it_is_open_for_an_idle_claude() -> None:
    assert judged(IDLE) is None


@pytest.mark.parametrize(
    ("seen", "hold", "again_s"),
    [
        (replace(IDLE, hold=Hold.GENERATING), Hold.GENERATING, SAFETY_TICK_S),
        (replace(IDLE, hold=Hold.DIALOG), Hold.DIALOG, SCREEN_TICK_S),
        (replace(IDLE, screen=None), Hold.SETTLING, 0.0),
        (replace(IDLE, view=None), Hold.SETTLING, 0.0),
        (replace(IDLE, view=replace(VIEW, in_mode=True)), Hold.COPY_MODE, SCREEN_TICK_S),
        (replace(IDLE, screen=replace(SCREEN, draft="x")), Hold.DRAFT, SCREEN_TICK_S),
        (replace(IDLE, view=replace(VIEW, human_idle_s=12.0)), Hold.TERMINAL_ACTIVE, 18.0),
        (replace(IDLE, view=replace(VIEW, keys_quiet_s=0.25)), Hold.SETTLING, 0.25),
        (replace(IDLE, changed_s=99.9), Hold.SETTLING, pytest.approx(0.15)),
    ],
)
def test_it_is_shut_with_a_reason_and_a_time(seen: Observation, hold: Hold, again_s: float) -> None:
    shut = judged(seen)
    assert shut is not None
    assert (shut.hold, shut.again_s) == (hold, again_s)


def test_a_person_long_quiet_is_no_reason() -> None:
    assert judged(replace(IDLE, view=replace(VIEW, human_idle_s=30.0))) is None


def test_a_pause_is_the_first_reason() -> None:
    shut = judged(replace(IDLE, hold=Hold.GENERATING), paused=True)
    assert shut is not None
    assert shut.hold is Hold.PAUSED
