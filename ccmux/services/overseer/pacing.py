"""Holds back a task whose listeners cannot follow, for a moment at a time: a pipe that is full does no harm.

A task that floods is so read at the speed of its listeners, and nothing of what it says is lost to them. It
is never read slower than a pipe's content every `PACE_S` (8,000 lines of 80 bytes a second): a listener for
whom that is too fast falls behind further, and is cut off within seconds. A task that says less than that is
never held back at all: its pipe holds what it says meanwhile. Other tasks are not touched.
"""

from __future__ import annotations

import asyncio

from ccmux.ports import RunningChild

PACE_S = 0.1


class Pacing:
    """The children that are held back."""

    def __init__(self) -> None:
        self._held: dict[RunningChild, asyncio.TimerHandle] = {}

    def hold(self, child: RunningChild) -> None:
        """Read no more of this one until all have caught up, or a moment is over."""
        if child not in self._held:
            child.wait()
            timer = asyncio.get_running_loop().call_later(PACE_S, self._let_go, child)
            self._held[child] = timer

    def let_all_go(self) -> None:
        """Go on with all."""
        for child in tuple(self._held):
            self._let_go(child)

    def _let_go(self, child: RunningChild) -> None:
        self._held.pop(child).cancel()
        child.read_on()
