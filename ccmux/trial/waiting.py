"""Waits for what a case expects, and says what was seen instead. Nothing here knows Claude or ccmux."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LIMIT_S = 30.0
"""Only a failure takes so long."""
_LOOK_S = 0.02


class NotSo(AssertionError):
    """What a case expects did not come, or something else did; the text is the fact."""


class Abandoned(Exception):
    """The person who started the trial does not want it any more."""


def until(
    is_so: Callable[[], bool], what: str | Callable[[], str], *, abandoned: threading.Event | None = None
) -> None:
    """Wait until something is so; nothing tells of it, so it is looked at again and again.

    Raises:
        NotSo: It never was, within the limit.
        Abandoned: Somebody else set `abandoned` meanwhile.

    """
    deadline_s = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise NotSo(f"never: {what if isinstance(what, str) else what()}")
        if abandoned is not None and abandoned.is_set():
            raise Abandoned
        time.sleep(_LOOK_S)


def expect(is_so: bool, says: str) -> None:
    """Raise NotSo with the fact unless it is so."""
    if not is_so:
        raise NotSo(says)
