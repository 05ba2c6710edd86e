"""Typing one prompt into Claude's input box: a state machine from what was seen to what to do next.

It begins when the paste has been sent. It never types a text twice, and presses Enter only while the box
provably shows our text and nothing else. What it cannot prove it calls uncertain; it never guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ccmux.core.echo import Echo

ECHO_TICK_S = 0.004
"""How often to look for the paste in the box: Claude draws it within a few frames."""

DRAWN_S = 2.0
"""What is not drawn after so long is waited for without haste."""

PATIENT_TICK_S = 0.5
"""How often to look where a person is in the way."""

ECHO_WAIT_S = 30.0
"""A living Claude shows a paste within a second; a stalled machine gets this long."""

ENTER_AGAIN_S = 1.0
"""An Enter that worked empties the box within 0.1 s; after this long it was swallowed."""

ENTERS_MAX = 3

IMAGE_REST_S = 0.1
"""Behind a line that ends in an image's name the CLI looks for the file first; an Enter meanwhile is lost."""

REMOVED_WAIT_S = 3.0
"""Our text left the box without an Enter of ours: a person submitted it (proof follows) or deleted it."""

PROOF_WAIT_S = 30.0
"""UserPromptSubmit follows Enter within 0.1 s (measured); other hooks of the user's may delay it."""


class Outcome(Enum):
    """How a typing ended."""

    SUBMITTED = auto()
    """Claude reported our text."""
    UNSENT = auto()
    """Nothing was sent: a person came between the look and the paste."""
    REMOVED = auto()
    """A person deleted our text from the box before any Enter: it may be typed again."""
    UNCERTAIN = auto()
    """Neither proved nor disproved."""


@dataclass(frozen=True, slots=True)
class PressEnter:
    """Press Enter now, if nothing has come since the look: the box was seen to hold our text alone.

    `Injection.entered` must be told that it was pressed.
    """


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look at the screen again after so many seconds, sooner if a hook arrives."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """It is over. `reason` is for a person."""

    outcome: Outcome
    reason: str = ""


Command = PressEnter | LookAgain | Finished


class Injection:
    """One prompt from its paste to its proof. Times are monotonic seconds."""

    def __init__(self, *, now_s: float, rest_s: float = 0.0) -> None:
        """Begin at the moment the paste was sent; `rest_s`: how long the text must stand before Enter."""
        self.enters = 0
        self._rest_s = rest_s
        self._stands_since_s: float | None = None
        self._pasted_s = now_s
        self._shown = False
        self._missing_since_s: float | None = None
        self._entered_s = now_s

    def looked(self, echo: Echo, *, free: bool, now_s: float) -> Command:
        """Say what to do about what the box shows.

        Args:
            echo: The box compared with our text.
            free: Enter would reach the input box: no dialog, no copy mode, Claude not at work.
            now_s: When it was seen.
        """
        self._shown = self._shown or echo not in {Echo.NOTHING, Echo.HIDDEN}
        # A box that is covered, or empty because Claude works on what a person entered, says nothing of ours.
        if echo is not Echo.NOTHING or not free:
            self._missing_since_s = None
        elif self._shown and self._missing_since_s is None:
            self._missing_since_s = now_s
        if self.enters:
            return self._after_enter(echo, free=free, now_s=now_s)
        return self._before_enter(echo, free=free, now_s=now_s)

    def _before_enter(self, echo: Echo, *, free: bool, now_s: float) -> Command:
        if echo is Echo.OURS and free:
            if self._stands_since_s is None:
                self._stands_since_s = now_s
            rest_s = self._stands_since_s + self._rest_s - now_s
            return LookAgain(rest_s) if rest_s > 0 else PressEnter()
        self._stands_since_s = None
        if self._missing_since_s is not None:
            if now_s - self._missing_since_s >= REMOVED_WAIT_S:
                return Finished(Outcome.REMOVED, "somebody removed it from the input box")
            return LookAgain(PATIENT_TICK_S)
        if not self._shown and now_s - self._pasted_s >= ECHO_WAIT_S:
            return Finished(Outcome.UNCERTAIN, "the input box never showed the text")
        # A foreign draft beside ours waits for its owner, however long that takes: ours is not lost there.
        is_unfinished = echo in {Echo.PARTLY, Echo.LEAD} or (echo is Echo.NOTHING and not self._shown)
        is_being_drawn = is_unfinished and now_s - self._pasted_s < DRAWN_S
        return LookAgain(ECHO_TICK_S if is_being_drawn else PATIENT_TICK_S)

    def _after_enter(self, echo: Echo, *, free: bool, now_s: float) -> Command:
        waited_s = now_s - self._entered_s
        if echo is Echo.OURS and free and self.enters < ENTERS_MAX and waited_s >= ENTER_AGAIN_S:
            return PressEnter()
        if waited_s < PROOF_WAIT_S:
            return LookAgain(ENTER_AGAIN_S)
        if echo is Echo.OURS:
            return Finished(Outcome.UNCERTAIN, f"it still stands in the input box after {self.enters} Enters")
        return Finished(
            Outcome.UNCERTAIN, "it left the input box, but neither hook nor transcript reported it"
        )

    def entered(self, *, now_s: float) -> None:
        """Take that Enter was pressed."""
        self.enters += 1
        self._entered_s = now_s
