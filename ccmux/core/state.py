"""What Claude is doing: registry, hooks, transcript and screen fused into one `Observation`.

It judges by the evidence alone. Where witnesses disagree or say nothing, the answer is a hold, never a guess:
nobody is harmed by a message that waits, everybody by one typed into a permission dialog.

Two clocks, never compared: names in `_at` are epoch seconds as the witnesses stamp them; names in `_s` are
seconds of the caller's monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccmux.core.limits import limit_ends
from ccmux.core.observation import (
    Hold,
    HookEvent,
    HookSeen,
    PaneView,
    ProcessSeen,
    PromptBlocked,
    RegistryEntry,
    RegistrySeen,
    Screen,
    ScreenKind,
    Sighting,
    TurnSeen,
)

PERMISSION_WAITS = frozenset({"permission prompt", "sandbox request", "worker request", "input needed"})
"""The registry's `waitingFor` where Claude asks a person something (measured on 2.1.329)."""


FRESH_LOOK_S = 1.0
"""Two looks closer than this tell by their difference that the screen just changed."""


class Activity(StrEnum):
    """The `state` of the public `state` event."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"
    LIMITED = "limited"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that is known of Claude at one moment.

    Attributes:
        activity: The public state.
        hold: Why Claude itself cannot take a message now, None if it can.
        detail: What a person should know about the hold, with the way out, or "".
        screen: A reading of the screen newer than every other witness's last word, else None.
        view: The look at the pane that `screen` was read from.
        changed_s: When the last witness spoke or the screen last changed.
    """

    activity: Activity
    hold: Hold | None
    detail: str
    screen: Screen | None
    view: PaneView | None
    changed_s: float


Verdict = tuple[Activity, Hold | None, str]


class Fusion:
    """Folds sightings; `observe` answers from all of them. Owned by one service."""

    def __init__(self, *, silence_s: float, local: Callable[[float], datetime]) -> None:
        """Know nothing yet.

        Args:
            silence_s: So long after a prompt was submitted an idle-looking Claude is not believed to be idle.
            local: Epoch seconds to local time.
        """
        self._silence_s = silence_s
        self._local = local
        self._process = ProcessSeen(pid=None)
        self._changed_s = 0.0
        self._looked_s = -FRESH_LOOK_S
        self._forget_process()

    def _forget_process(self) -> None:
        self._registry: RegistryEntry | None = None
        self._hooked = False
        self._prompted_at = 0.0
        self._prompted_s = 0.0
        self._ended_at = 0.0
        self._limit_ends_at = 0.0
        self._limit = ""
        self._screen: Screen | None = None
        self._view: PaneView | None = None
        self._rows: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """Claude's process, None where it does not run."""
        return self._process.pid

    @property
    def started_at(self) -> float:
        """Epoch seconds of that process's start, 0 where unknown."""
        return self._process.started_at

    def hear(self, sighting: Sighting, *, now_s: float) -> None:
        """Fold one sighting. A screen that was read before it no longer counts."""
        match sighting:
            case ProcessSeen():
                if sighting.pid != self._process.pid:
                    self._forget_process()
                self._process = sighting
            case RegistrySeen(entry=entry):
                if entry == self._registry:
                    return
                self._registry = entry
            case HookSeen(event=event):
                self._hear_hook(event, now_s)
            case TurnSeen(at=at):
                self._ended_at = max(self._ended_at, at)
            case PromptBlocked():
                self._prompted_at = 0.0  # nothing comes of it
            case _:
                return
        self._changed_s = now_s
        self._screen = self._view = None

    def _hear_hook(self, event: HookEvent, now_s: float) -> None:
        if event.in_subagent or event.at < self._process.started_at:
            return
        self._hooked = True
        match event.name:
            case "UserPromptSubmit":
                self._prompted_at, self._prompted_s = event.at, now_s
                self._limit_ends_at = 0.0
            case "Stop":
                self._ended_at = max(self._ended_at, event.at)
            case "StopFailure":
                self._ended_at = max(self._ended_at, event.at)
                if event.payload.get("error") == "rate_limit":
                    self._limit = str(event.payload.get("last_assistant_message", "usage limit reached"))
                    self._limit_ends_at = limit_ends(self._limit, now=self._local(event.at)).timestamp()

    def look(self, view: PaneView, screen: Screen, *, now_s: float) -> None:
        """Fold what the pane shows now."""
        # Against a picture of long ago every change looks new; when it happened the other witnesses know.
        if view.rows != self._rows and now_s - self._looked_s < FRESH_LOOK_S:
            self._changed_s = now_s
        self._rows, self._looked_s = view.rows, now_s
        self._view, self._screen = view, screen

    def observe(self, *, now_s: float, now: float) -> Observation:
        """Return what is known; `now` is epoch seconds, `now_s` monotonic."""
        activity, hold, detail = self._judge(now_s, now)
        return Observation(
            activity=activity,
            hold=hold,
            detail=detail,
            screen=self._screen,
            view=self._view,
            changed_s=self._changed_s,
        )

    def _judge(self, now_s: float, now: float) -> Verdict:
        if self._process.pid is None:
            return Activity.DOWN, Hold.NOT_RUNNING, self._process.reason
        if now < self._limit_ends_at:
            until = self._local(self._limit_ends_at).strftime("%a %H:%M")
            return Activity.LIMITED, Hold.USAGE_LIMIT, f"{self._limit} (tried again at {until})"
        match self._registry:
            case RegistryEntry(status="busy"):
                return Activity.BUSY, Hold.GENERATING, ""
            case RegistryEntry(status="waiting", waiting_for=waiting_for):
                return _waiting(waiting_for)
            case RegistryEntry(is_idle=False, status=status):
                return Activity.BUSY, Hold.GENERATING, f"Claude calls itself '{status}'"
        by_screen = self._judge_screen()
        if by_screen is not None:
            return by_screen
        if self._registry is None and not self._hooked:
            return Activity.STARTING, Hold.STARTING, ""
        idle_at = max(self._ended_at, self._registry.updated_at if self._registry is not None else 0.0)
        if self._prompted_at > idle_at and now_s - self._prompted_s < self._silence_s:
            return Activity.BUSY, Hold.GENERATING, "a prompt was submitted and its turn has not ended"
        return Activity.IDLE, None, ""

    def _judge_screen(self) -> Verdict | None:
        """Return what the screen objects to, None where it objects to nothing or was not read."""
        screen = self._screen
        if screen is None:
            return None
        if screen.login_needed:
            return Activity.WAITING, Hold.LOGIN_NEEDED, screen.way_out
        match screen.kind:
            case ScreenKind.STARTUP:
                return Activity.STARTING, Hold.STARTING, f"{screen.dialog}: {screen.way_out}"
            case ScreenKind.PERMISSION:
                return Activity.WAITING, Hold.PERMISSION_PROMPT, screen.way_out
            case ScreenKind.DIALOG:
                return Activity.WAITING, Hold.DIALOG, f"{screen.dialog}: {screen.way_out}"
            case ScreenKind.UNKNOWN if self._registry is None:
                return Activity.STARTING, Hold.STARTING, ""
            case ScreenKind.UNKNOWN:
                return Activity.IDLE, Hold.UNKNOWN_SCREEN, "attach and look: the input box is not to be seen"
        if screen.busy:
            return Activity.BUSY, Hold.GENERATING, ""
        return None


def _waiting(waiting_for: str) -> Verdict:
    if waiting_for in PERMISSION_WAITS:
        return Activity.WAITING, Hold.PERMISSION_PROMPT, f"{waiting_for}: attach and answer it"
    return Activity.WAITING, Hold.DIALOG, f"{waiting_for or 'a dialog'}: attach and close it"
