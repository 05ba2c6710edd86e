"""The observer: owns Claude's outward signs, the hook spool and the registry file, and tells what they say.

Every hook event is told once, in the order it was written, also those of the time the daemon was down. It
judges nothing and types nothing.
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

import structlog

from ccmux.core.hook_event import read_hook
from ccmux.core.observation import HookEvent, HookSeen, ProcessSeen, RegistryEntry, RegistrySeen, SessionSeen
from ccmux.core.registry import read_registry
from ccmux.ports import Processes, RegistryFiles, Sightings, SpoolFiles

HALF_WRITTEN_S = 0.02
"""The registry file is not written atomically: an unreadable one is read again so much later."""

HALF_WRITTEN_TRIES = 100
"""What is unreadable for so many readings is no half of anything: it says nothing, until it changes."""

log = structlog.get_logger()


class Observer:
    """Turns files that Claude writes into sightings."""

    name = "observer"

    def __init__(
        self, *, sightings: Sightings, hooks: SpoolFiles, registry: RegistryFiles, processes: Processes
    ) -> None:
        self._sightings = sightings
        self._hooks = hooks
        self._registry = registry
        self._processes = processes
        self._ear = sightings.listen(ProcessSeen)
        self._session: SessionSeen | None = None

    async def run(self) -> NoReturn:
        """Observe until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_hooks(), name="observer-hooks")
            group.create_task(self._watch_registry(), name="observer-registry")
        raise AssertionError("both tasks run until they are cancelled")

    async def _read_hooks(self) -> NoReturn:
        while True:
            file = await self._hooks.next()
            event = read_hook(file.content, file.written_at)
            if event is None:
                log.warning("hook event not understood", source=file.name)
                await self._hooks.set_aside(file.name)
                continue
            self._tell_session(event)
            self._sightings.tell(HookSeen(event=event))
            await self._hooks.remove(file.name)

    def _tell_session(self, event: HookEvent) -> None:
        """Tell where the conversation goes on: any event but the last of an old session says it."""
        if event.in_subagent or event.name == "SessionEnd" or not event.transcript_path:
            return
        session = SessionSeen(session_id=event.session_id, transcript_path=event.transcript_path)
        if session != self._session:
            self._session = session
            self._sightings.tell(session)

    async def _watch_registry(self) -> NoReturn:
        following: asyncio.Task[NoReturn] | None = None
        async with asyncio.TaskGroup() as group:
            while True:
                match await self._ear.next():
                    case ProcessSeen(pid=pid):
                        if following is not None:
                            following.cancel()
                        if pid is not None:
                            following = group.create_task(self._follow_registry(pid), name="observer-file")

    def _own(self, entry: RegistryEntry | None, pid: int) -> RegistryEntry | None:
        """Return the entry if this very process wrote it; a killed one leaves its file behind."""
        if entry is None or entry.pid != pid:
            return None
        return entry if entry.proc_start in {"", self._processes.start_time(pid)} else None

    async def _follow_registry(self, pid: int) -> NoReturn:
        changed = asyncio.Event()
        tries = 0
        with self._registry.watch(pid, changed.set):
            while True:
                changed.clear()
                raw = self._registry.read(pid)
                entry = read_registry(raw) if raw is not None else None
                tries = tries + 1 if raw is not None and entry is None else 0
                if 0 < tries < HALF_WRITTEN_TRIES:
                    await asyncio.sleep(HALF_WRITTEN_S)
                    continue
                if tries == HALF_WRITTEN_TRIES:
                    log.warning("registry file not understood", pid=pid)
                self._sightings.tell(RegistrySeen(entry=self._own(entry, pid)))
                await changed.wait()
