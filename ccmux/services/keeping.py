"""Keeps a keeper: owns the presence of the process that holds the input FIFOs when the daemon dies.

It starts one where there is none, at once when one is lost. It knows no FIFO.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, Protocol

import structlog

from ccmux.core.errors import PaneLost

ARRIVAL_S = 0.05
"""A process that was just started is looked for so often."""

ARRIVALS = 100
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 30.0

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

    async def connect(self) -> bool:
        """Find it."""
        ...

    async def lost(self) -> None:
        """Return once it is gone."""
        ...


class Keeping:
    """Sees to it that there is a keeper."""

    name = "keeping"

    def __init__(self, *, process: KeeperProcess, start: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """`start` starts a program that outlives us; it raises PaneLost where tmux is not there (yet)."""
        self._process = process
        self._start = start

    async def run(self) -> NoReturn:
        """Keep one until cancelled."""
        failures = 0
        while True:
            if self._process.connected or await self._process.connect() or await self._started():
                log.info("keeper found")
                failures = 0
                await self._process.lost()
                log.warning("keeper lost")
            else:
                # tmux's server comes with Claude's session, a moment after us.
                await asyncio.sleep(min(RETRY_FIRST_S * 2**failures, RETRY_MAX_S))
                failures = min(failures + 1, 20)

    async def _started(self) -> bool:
        try:
            await self._start(self._process.argv)
        except PaneLost:
            return False
        for _ in range(ARRIVALS):
            if await self._process.connect():
                return True
            await asyncio.sleep(ARRIVAL_S)
        log.warning("keeper did not come")
        return False
