"""The one thread of the database, and who waits for it while the disk is full or the file is locked.

It owns the crossing between loop and thread, both ways, and knows no table.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from ccmux.core.errors import StoreFailed
from ccmux.core.events import Event
from ccmux.drivers.sqlite.troubles import is_busy, store_failed

T = TypeVar("T")

log = structlog.get_logger()

BUSY_FOR_ASKERS_S = 5.0
"""How long somebody who waits for an answer waits for another program that holds the database."""

RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0


class DatabaseThread:
    """Runs calls in the thread, one at a time; all its methods but `committed` belong to the loop.

    Attributes:
        path: The database, for messages to people.
        trouble: Why it could not be written lately, and what ends that; "" once a change is on disk.
        held: How many calls wait for it to work again.

    """

    def __init__(self, path: Path, *, on_events: Callable[[Sequence[Event]], None]) -> None:
        self.path = path
        self.trouble = ""
        self.held = 0
        self._on_events = on_events
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ccmux-sqlite")

    async def for_house(self, call: Callable[[], T]) -> T:
        """Do what the house itself must do: where it fails and that may pass, try again until it is done."""
        failures = 0
        try:
            while True:
                try:
                    return await self.once(call)
                except StoreFailed as error:
                    if not error.passes:
                        raise
                    self._hold(error)
                    self.held += failures == 0
                    failures += 1
                    await asyncio.sleep(min(RETRY_FIRST_S * 2**failures, RETRY_MAX_S))
        finally:
            if failures:
                self.held -= 1
                if self.held == 0:
                    self._let_go()

    async def for_asker(self, call: Callable[[], T]) -> T:
        """Do what somebody asked for who waits for the answer: a failure is one, and nothing was done."""
        give_up_s = self._loop.time() + BUSY_FOR_ASKERS_S
        while True:
            try:
                return await self.once(call)
            except StoreFailed as error:
                if is_busy(error) and self._loop.time() < give_up_s:
                    continue
                if error.passes:
                    self._hold(error)
                raise

    async def once(self, call: Callable[[], T]) -> T:
        """Do it once; a failure is the caller's."""
        return await self._loop.run_in_executor(self._executor, self._translated, call)

    def end(self) -> None:
        """Finish what was begun and end the thread."""
        self._executor.shutdown()

    def committed(self, events: Sequence[Event]) -> None:
        """Hand on, from the thread, that a change and these events of it are on disk."""
        if self.trouble:
            self._loop.call_soon_threadsafe(self._let_go)
        if events:
            self._loop.call_soon_threadsafe(self._on_events, events)

    def _translated(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (sqlite3.Error, OSError) as error:
            raise store_failed(self.path, error) from error

    def _hold(self, error: StoreFailed) -> None:
        if not self.trouble:
            log.error("store held", reason=error.reason, way_out=error.way_out)
        self.trouble = f"{error.reason}; {error.way_out}"

    def _let_go(self) -> None:
        if self.trouble:
            self.trouble = ""
            log.info("store resumed")
