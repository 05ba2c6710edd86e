"""Decides when a person's draft may be put aside with Claude's own Ctrl-S, and says why not yet.

Claude keeps one stash (2.1.329, measured): a second Ctrl-S with a draft throws the first away, one with an
empty box brings it back, and so does the next submit, byte for byte. So it is pressed only where the footer
shows that nothing is stashed, and nothing is typed before it shows that the draft now is. It presses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ccmux.core.gate import KEYS_DRAWN_S, SCREEN_TICK_S, Shut
from ccmux.core.observation import Hold, ScreenKind
from ccmux.core.state import Observation

PROOF_WAIT_S = 1.0
"""Claude says `draft stashed` within 0.05 s."""

PROOF_TICK_S = 0.02


@dataclass(frozen=True, slots=True)
class PutAside:
    """Press Ctrl-S now: the draft has stood unchanged for long enough, and nobody is at the keyboard."""


class Patience:
    """Watches the draft that the gate is shut for. Times are monotonic seconds."""

    def __init__(self, *, patience_s: float, idle_threshold_s: float) -> None:
        """Begin; `patience_s` 0: a draft is never put aside."""
        self._patience_s = patience_s
        self._idle_threshold_s = idle_threshold_s
        self._draft = ""
        self._since_s = 0.0
        self._failed = False
        self._vanished_at: str | None = None
        """The keys' mark at which a draft left the box and Claude did not say that it keeps it."""

    def weigh(self, seen: Observation, shut: Shut | None, *, now_s: float) -> Shut | PutAside | None:
        """Return what the gate's answer becomes.

        Args:
            seen: What the gate judged.
            shut: The gate's answer.
            now_s: The monotonic time of `seen`.
        """
        screen, view = seen.screen, seen.view
        if screen is None or view is None or screen.kind is not ScreenKind.PROMPT:
            return shut
        if screen.draft != self._draft:
            self._draft, self._since_s, self._failed = screen.draft, now_s, False
        if screen.draft or screen.stashed or view.keys_mark != self._vanished_at:
            self._vanished_at = None
        if shut is None and self._vanished_at is not None:
            detail = (
                "Ctrl-S emptied the box, and Claude does not say that it keeps the draft: attach and look"
            )
            return Shut(Hold.DRAFT, detail, SCREEN_TICK_S)
        if shut is None or shut.hold is not Hold.DRAFT or not self._patience_s:
            return shut
        objection = self._objection(screen.stashed)
        if objection:
            return replace(shut, detail=f"{shut.detail}; it is not put aside: {objection}")
        rest_s = max(self._since_s + self._patience_s - now_s, KEYS_DRAWN_S - view.keys_quiet_s)
        if view.human_idle_s is not None:
            rest_s = max(rest_s, self._idle_threshold_s - view.human_idle_s)
        if rest_s > 0:
            detail = f"{shut.detail}; left alone, it is put aside in {rest_s:.0f} s"
            return replace(shut, detail=detail, again_s=min(rest_s, SCREEN_TICK_S))
        return PutAside()

    def _objection(self, stashed: bool | None) -> str:
        if self._failed:
            return "Ctrl-S did not do it"
        if not self._draft.strip():
            return "Ctrl-S does nothing with blanks"
        if stashed is None:
            return "it cannot be seen whether another draft is stashed already"
        return "another draft is stashed already, and Claude keeps only one" if stashed else ""

    def pressed(self, seen: Observation) -> bool | None:
        """Return whether the draft is put aside, None: look again. `seen` is a look after Ctrl-S."""
        screen = seen.screen
        if screen is None or screen.kind is not ScreenKind.PROMPT or screen.draft == self._draft:
            return None
        if screen.draft:
            return False  # a person is there again
        return True if screen.stashed else None

    def settled(self, seen: Observation, *, worked: bool) -> None:
        """Take the end of an attempt, and the last look at it."""
        if worked:
            self._draft = ""
            return
        self._failed = True
        if seen.screen is not None and seen.view is not None and not seen.screen.draft:
            self._vanished_at = seen.view.keys_mark
