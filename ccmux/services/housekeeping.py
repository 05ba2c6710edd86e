"""Housekeeping: lets go of events and senders' keys that are past their days. It owns only that duty."""

from __future__ import annotations

import asyncio
from typing import NoReturn, Protocol

INTERVAL_S = 6 * 3_600.0


class Forgetful(Protocol):
    """A store that can forget."""

    async def forget(self, *, events_days: float, keys_days: float) -> bool:
        """Delete some events and senders' keys older than so many days; tell whether more may be left."""
        ...


class Housekeeping:
    """Forgets at the start and then a few times a day."""

    name = "housekeeping"

    def __init__(self, *, store: Forgetful, events_days: float, keys_days: float) -> None:
        self._store = store
        self._events_days = events_days
        self._keys_days = keys_days

    async def run(self) -> NoReturn:
        """Forget until cancelled."""
        while True:
            while await self._store.forget(events_days=self._events_days, keys_days=self._keys_days):
                pass  # portion by portion: what others ask of the store comes between
            await asyncio.sleep(INTERVAL_S)
