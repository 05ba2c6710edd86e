"""Whether a registered session is at work, rests unseen, or is gone: from its process and its transcript."""

from __future__ import annotations

from enum import Enum, auto

STALE_S = 15 * 60.0
"""A session whose transcript did not change for so long is not at work."""
FORGET_S = 24 * 3_600.0
"""A session whose process nobody knows is taken for gone after so long without a change."""


class Life(Enum):
    """What is known of a session's process."""

    LIVES = auto()
    ENDED = auto()
    """It is gone, only waits for its parent to notice, or its number belongs to another process."""
    UNKNOWN = auto()


class Standing(Enum):
    """What becomes of a session."""

    ACTIVE = auto()
    QUIET = auto()
    """Not shown; it comes back when its transcript changes."""
    GONE = auto()
    """Crashed, or ended without a word: forget it."""


def standing_of(life: Life, *, registered_at: float, changed_at: float | None, now: float) -> Standing:
    """Return how a session stands.

    Args:
        life: Its process.
        registered_at: When it was registered last, epoch seconds.
        changed_at: When its transcript changed last; None where there is none yet.
        now: Epoch seconds.

    """
    if life is Life.ENDED:
        return Standing.GONE
    silent_s = now - max(registered_at, changed_at or 0.0)
    if silent_s < STALE_S:
        return Standing.ACTIVE
    if life is Life.UNKNOWN and silent_s >= FORGET_S:
        return Standing.GONE
    return Standing.QUIET
