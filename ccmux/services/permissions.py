"""Permissions: owns the list of open permission prompts and has their events recorded. It answers none."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import msgspec
import structlog

from ccmux.core.events import EventType
from ccmux.core.observation import HookSeen, ProcessSeen, RegistrySeen
from ccmux.core.permissions import OpenPermissions
from ccmux.ports import Sightings, Store

PAGE = 500

_TYPES = (EventType.PERMISSION_REQUEST, EventType.PERMISSION_RESOLVED)

log = structlog.get_logger()


class Permissions:
    """Tells the world what Claude asks a person, and when that is over."""

    name = "permissions"

    def __init__(self, *, store: Store, sightings: Sightings, new_id: Callable[[], str]) -> None:
        """Wire it up; `new_id` makes a name that no other request has."""
        self._store = store
        self._ear = sightings.listen(HookSeen, RegistrySeen, ProcessSeen)
        self._open = OpenPermissions(new_id=new_id)

    async def run(self) -> NoReturn:
        """Tell until cancelled."""
        await self._remember()
        while True:
            for draft in self._open.hear(await self._ear.next()):
                await self._store.record(draft)
                log.info(draft.type.value.replace("_", " "), request_id=draft.fields["request_id"])

    async def _remember(self) -> None:
        """Learn from the event log which prompts an earlier life left open."""
        seq = 0
        while page := await self._store.events_since(seq, _TYPES, PAGE):
            for event in page:
                fields = msgspec.json.decode(event.line)
                self._open.remember(event.type, fields, fields["ts"])
            seq = page[-1].seq
