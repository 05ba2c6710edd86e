"""The gate: may a message be typed now, and if not, why and when to look again. It types nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.observation import Hold
from ccmux.core.state import Observation

SETTLE_S = 0.25
"""After the last sign of change, so long must be quiet: redraws after a turn's end take a few frames."""

SCREEN_TICK_S = 0.5
"""How often to look again where only the screen can tell that a hold is over."""

SAFETY_TICK_S = 5.0
"""How often to look again where Claude itself reports the change: in case a report was lost."""

KEYS_DRAWN_S = 1.0
"""Claude draws a key 6 to 35 ms after tmux read it (measured on an idle machine): what was typed so long ago
stands on the screen."""

KEY_TICK_S = 0.25
"""How often to look whether that time is over: tmux tells it by whole seconds."""

_REPORTED = frozenset({Hold.NOT_RUNNING, Hold.GENERATING, Hold.USAGE_LIMIT, Hold.PAUSED})


@dataclass(frozen=True, slots=True)
class Shut:
    """The gate is shut: the reason, what a person should know, and seconds until another look is worth it."""

    hold: Hold
    detail: str
    again_s: float


def shut_by(
    seen: Observation, *, paused: bool, idle_threshold_s: float, now_s: float, settle_s: float = SETTLE_S
) -> Shut | None:
    """Return why the gate is shut, None if a message may be typed.

    Args:
        seen: With a screen of this moment; without one nothing may be typed.
        paused: The person said `ccmux pause`.
        idle_threshold_s: So long after a person's last key at an attached terminal nothing is typed.
        now_s: The monotonic time of `seen`.
        settle_s: Quiet time after the last change.
    """
    if paused:
        return Shut(Hold.PAUSED, "`ccmux resume` goes on", SAFETY_TICK_S)
    if seen.hold is not None:
        return Shut(seen.hold, seen.detail, SAFETY_TICK_S if seen.hold in _REPORTED else SCREEN_TICK_S)
    if seen.screen is None or seen.view is None:
        return Shut(Hold.SETTLING, "the screen was not read yet", 0.0)
    if seen.view.in_mode:
        return Shut(Hold.COPY_MODE, "press q in the attached terminal to leave it", SCREEN_TICK_S)
    if seen.screen.draft:
        return Shut(Hold.DRAFT, "somebody has typed there: attach, then send or delete it", SCREEN_TICK_S)
    human_idle_s = seen.view.human_idle_s
    if human_idle_s is not None and human_idle_s < idle_threshold_s:
        rest_s = idle_threshold_s - human_idle_s
        return Shut(Hold.TERMINAL_ACTIVE, f"somebody types there; free in {rest_s:.0f} s", rest_s)
    if seen.view.keys_quiet_s < KEYS_DRAWN_S:
        return Shut(
            Hold.SETTLING,
            "a key was pressed just now",
            min(KEYS_DRAWN_S - seen.view.keys_quiet_s, KEY_TICK_S),
        )
    quiet_s = now_s - seen.changed_s
    if quiet_s < settle_s:
        return Shut(Hold.SETTLING, "", settle_s - quiet_s)
    return None
