"""A daemon's part in live status: its hosted session is published like every other one.

Where a publisher runs, the session is registered with it; where none does, or it ends, the daemon becomes the
publisher. Whatever goes wrong here is told and tried again: nothing of it may take a daemon down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NoReturn

import structlog

from ccmux.core.errors import CcmuxError
from ccmux.core.live.registration import Registration, Unregistration
from ccmux.core.observation import ProcessSeen, SessionSeen
from ccmux.ports import Clock, PublisherLock, Sightings
from ccmux.services.live.publisher import LivePublisher

TRY_S = 10.0
"""So often a daemon that is not the publisher looks whether one is needed."""

log = structlog.get_logger()


class LiveShare:
    """Registers the hosted session, and publishes where nobody else does."""

    name = "live"

    def __init__(
        self,
        *,
        sightings: Sightings,
        put: Callable[[Registration | Unregistration], None],
        lock: PublisherLock,
        publisher: Callable[[], AbstractAsyncContextManager[LivePublisher]],
        clock: Clock,
        cwd: str,
        sensitive: bool,
    ) -> None:
        """Wire it up.

        Args:
            sightings: Where the session and its process are heard of.
            put: Puts into the publisher's spool what a hook would.
            lock: Who holds it publishes.
            publisher: Makes one.
            clock: For when the session was registered.
            cwd: The project's folder.
            sensitive: Nobody shall read what this session is asked.

        """
        self._ear = sightings.listen(SessionSeen, ProcessSeen)
        self._put = put
        self._lock = lock
        self._publisher = publisher
        self._clock = clock
        self._cwd = cwd
        self._sensitive = sensitive

    async def run(self) -> NoReturn:
        """Take part until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._register(), name="live-hosted")
            group.create_task(self._publish(), name="live-publisher")
        raise AssertionError("both tasks run until they are cancelled")

    async def _register(self) -> NoReturn:
        session, pid = None, None
        registered: tuple[str, int] | None = None
        while True:
            match await self._ear.next():
                case SessionSeen() as seen:
                    session = seen
                case ProcessSeen(pid=seen_pid):
                    pid = seen_pid
            wanted = None if session is None or pid is None else (session.session_id, pid)
            if wanted == registered:
                continue
            if registered is not None and (wanted is None or wanted[0] != registered[0]):
                self._say(Unregistration(registered[0], cleared=wanted is not None))
            if session is not None and pid is not None:
                self._say(
                    Registration(
                        session_id=session.session_id,
                        transcript_path=session.transcript_path,
                        cwd=self._cwd,
                        pid=pid,
                        sensitive=self._sensitive,
                        at=self._clock.now(),
                    )
                )
            registered = wanted

    def _say(self, told: Registration | Unregistration) -> None:
        try:
            self._put(told)
        except OSError as error:
            log.warning("live session not registered", session_id=told.session_id, reason=error.strerror)

    async def _publish(self) -> NoReturn:
        while True:
            if self._lock.take():
                log.info("live publisher began")
                try:
                    async with self._publisher() as publisher:
                        await publisher.run()
                except* (CcmuxError, OSError) as group:
                    log.warning("live publisher failed", reason=str(group.exceptions[0]))
                finally:
                    self._lock.release()
            await asyncio.sleep(TRY_S)
