"""The sending: brings the newest word to the relay, one post at a time.

While the relay does not answer it waits longer and longer, and only what is newest then is sent: nothing
piles up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn

import structlog

from ccmux.core.backoff import restart_wait_s
from ccmux.core.errors import RelayFailed
from ccmux.ports import Relay

APART_S = 1.0
"""Two posts are at least so far apart."""
BACKOFF_FIRST_S, BACKOFF_MOST_S = 2.0, 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Word:
    path: str
    body: bytes


class Sending:
    """Owns the word that the relay should have heard last."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._word: _Word | None = None
        self._news = asyncio.Event()

    def tell(self, path: str, body: bytes) -> None:
        """Let the relay hear this as soon as may be; what it did not hear before is void."""
        self._word = _Word(path, body)
        self._news.set()

    async def run(self) -> NoReturn:
        """Send until cancelled."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            word = self._word
            if word is None:
                continue
            try:
                await self._relay.post(word.path, word.body)
            except RelayFailed as error:
                if failures == 0:
                    log.warning("relay not told", reason=error.reason)
                failures += 1
                self._news.set()
                await asyncio.sleep(
                    restart_wait_s(failures - 1, initial_s=BACKOFF_FIRST_S, cap_s=BACKOFF_MOST_S)
                )
            else:
                if failures:
                    log.info("relay told again", failures=failures)
                failures = 0
                await asyncio.sleep(APART_S)
