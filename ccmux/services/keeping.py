"""Keeps a keeper: owns the presence of the process that holds the input FIFOs when the daemon dies.

It starts one where there is none, at once when one is lost; one whose tmux has ended gets the next tmux to
stand below. It knows no FIFO.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, Protocol

import structlog

from ccmux.core.errors import PaneLost

ARRIVAL_S = 0.01
"""A process that was just started is looked for so often."""

ARRIVALS = 500
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 30.0

TMUX_RETRY_MAX_S = 2.0
"""As long as there is no tmux, which costs next to nothing to ask."""

PATIENCE_S = 10.0
"""So long the doors stay shut for want of a keeper: where tmux cannot be started there will be none."""

log = structlog.get_logger()


class KeeperProcess(Protocol):
    """The process, as far as it must be there."""

    @property
    def argv(self) -> Sequence[str]:
        """What to start."""
        ...

    @property
    def connected(self) -> bool:
        """Whether it is there."""
        ...

    @property
    def rooted(self) -> bool:
        """Whether it is there, and a tmux server that it stands below."""
        ...

    async def connect(self) -> bool:
        """Find it."""
        ...

    async def changed(self) -> None:
        """Return once it is not rooted."""
        ...


class Keeping:
    """Sees to it that there is a keeper."""

    name = "keeping"

    def __init__(self, *, process: KeeperProcess, start: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """`start` starts a program that outlives us; it raises PaneLost where tmux is not there (yet)."""
        self._process = process
        self._start = start
        self._first = asyncio.Event()

    async def first(self) -> None:
        """Return once there is a keeper, or it was waited for long enough."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._first.wait()
        except TimeoutError:
            log.warning("nobody keeps the input FIFOs", waited_s=PATIENCE_S)

    async def run(self) -> NoReturn:
        """Keep one until cancelled."""
        failures = 0
        while True:
            try:
                is_there = await self._stands() or await self._arrives()
                longest_s = RETRY_MAX_S
            except PaneLost:  # tmux's server comes with Claude's session, a moment after us
                is_there, longest_s = False, TMUX_RETRY_MAX_S
            if is_there:
                log.info("keeper found")
                failures = 0
                await self._process.changed()
                log.warning("keeper without tmux" if self._process.connected else "keeper lost")
            else:
                await asyncio.sleep(min(RETRY_FIRST_S * 2**failures, longest_s))
                failures = min(failures + 1, 20)

    async def _stands(self) -> bool:
        if self._process.connected or await self._process.connect():
            self._first.set()
        return self._process.rooted

    async def _arrives(self) -> bool:
        """Start one and wait for it. Raises PaneLost."""
        await self._start(self._process.argv)
        for _ in range(ARRIVALS):
            if await self._stands():
                return True
            await asyncio.sleep(ARRIVAL_S)
        log.warning("keeper did not come")
        return False
