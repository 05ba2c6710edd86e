"""The desk: takes what sources report, forgets those that fall silent, has viewers told. It serves nothing.

However fast sources report, viewers are told so often at most: always the newest, the first change at once.
"""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

import structlog

from ccmux.core.live_board import Board, Heartbeat, Stop, as_json
from ccmux.relay.counts import Counts
from ccmux.relay.door import Door
from ccmux.relay.viewers import Viewers

LOOK_S: Final = 10.0
"""So often it is looked who has fallen silent."""

PAUSE_S: Final = 0.2
"""Between two states that viewers are told."""

log = structlog.get_logger()


class Desk:
    """Owner of the board."""

    name = "desk"

    def __init__(self, viewers: Viewers, door: Door, counts: Counts) -> None:
        """Know whom to tell, and who else forgets what is old."""
        self._board = Board()
        self._viewers = viewers
        self._door = door
        self._counts = counts
        self._sessions = 0
        self._told_at_s = float("-inf")
        self._telling: asyncio.TimerHandle | None = None
        self._tell()

    async def run(self) -> NoReturn:
        """Look after what is old until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            for source in self._board.expire(now_s=loop.time()):
                self._counts.done["expired_total"] += 1
                log.info("source fell silent", source=source)
                self._changed()
            self._viewers.cut_off_given_up()
            self._door.forget_rested()

    def heartbeat(self, address: str, said: Heartbeat) -> bool:
        """Take a heartbeat; False where there are too many sources."""
        source = _source(said, address)
        is_new = source not in self._board
        if not self._board.take(source, said.sessions, now_s=asyncio.get_running_loop().time()):
            return False
        if is_new:
            log.info("source began", source=source)
        self._counts.done["heartbeats_total"] += 1
        self._changed()
        return True

    def stop(self, address: str, said: Stop) -> None:
        """Take a source's word that its last session has ended."""
        source = _source(said, address)
        self._counts.done["stops_total"] += 1
        if self._board.stop(source):
            log.info("source stopped", source=source)
            self._changed()

    def numbers(self) -> dict[str, int]:
        """Return how things stand, for `Counts.text`."""
        return {
            "active": int(len(self._board) > 0),
            "sources": len(self._board),
            "sessions": self._sessions,
            "viewers": len(self._viewers),
            "viewers_behind": self._viewers.behind,
        }

    def _changed(self) -> None:
        """Have viewers told, unless that is on its way."""
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_at(max(loop.time(), self._told_at_s + PAUSE_S), self._tell_now)

    def _tell_now(self) -> None:
        self._telling = None
        self._told_at_s = asyncio.get_running_loop().time()
        self._counts.done["states_total"] += 1
        self._tell()

    def _tell(self) -> None:
        shown = self._board.shown()
        self._sessions = len(shown.sessions or ())
        self._viewers.show(as_json(shown))


def _source(said: Heartbeat | Stop, address: str) -> str:
    """Return who reports. A source that names itself can never be taken for an address that does not."""
    return f"source {said.source}" if said.source is not None else f"address {address}"
