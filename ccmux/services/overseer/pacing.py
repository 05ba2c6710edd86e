"""Holds back a task whose listeners cannot follow, for a moment at a time: a pipe that is full does no harm.

A task that floods is so read at the speed of its listeners, and nothing of what it says is lost to them. It
is never read slower than a megabyte of events a second (about 5,000 lines): a listener for whom that is too
fast falls behind further, and is cut off within seconds. A task that says less than its pipe holds is never
held back itself, and other tasks are not touched.
"""

from __future__ import annotations

import asyncio

from ccmux.ports import RunningChild

SLOWEST_BYTES_A_S = 1_048_576
"""Of events. No task is read slower for the sake of its listeners."""


class Pacing:
    """The children that are held back."""

    def __init__(self) -> None:
        self._held: dict[RunningChild, asyncio.TimerHandle] = {}

    def hold(self, child: RunningChild, said_bytes: int) -> None:
        """Read no more of this one until all have caught up, or as long as that many bytes may take."""
        if child not in self._held:
            child.wait()
            loop = asyncio.get_running_loop()
            self._held[child] = loop.call_later(said_bytes / SLOWEST_BYTES_A_S, self._let_go, child)

    def let_all_go(self) -> None:
        """Go on with all."""
        for child in tuple(self._held):
            self._let_go(child)

    def _let_go(self, child: RunningChild) -> None:
        self._held.pop(child).cancel()
        child.read_on()
