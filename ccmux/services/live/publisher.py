"""The publisher: takes what hooks tell, looks at the sessions when something stirs, has the relay told.

A heartbeat goes out every BEAT_S, and at once when a session comes, goes, or does something else; a stop when
the last one has ended. It runs only while its caller is this user's one publisher.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

import structlog

from ccmux.core.live.payload import HEARTBEAT, STOP, Session, heartbeat, stop
from ccmux.core.live.registration import Registration, Unregistration, read_registration
from ccmux.ports import FileChange, FileEvent, FileEvents, PublisherLock, SpoolFile, SpoolFiles
from ccmux.services.live.book import Book
from ccmux.services.live.sending import Sending

BEAT_S = 30.0
COALESCE_S = 0.25
"""What stirs within so long is looked at once."""
CLEAR_S = 5.0
"""After /clear another session of the same Claude follows; so long nobody is told that the last one ended."""

_WANTED = FileChange.APPEARED | FileChange.WRITTEN

log = structlog.get_logger()


class LivePublisher:
    """Publishes until nothing is left to publish."""

    def __init__(
        self,
        *,
        book: Book,
        spool: SpoolFiles,
        lock: PublisherLock,
        sending: Sending,
        files: FileEvents,
        source: str,
    ) -> None:
        self._book = book
        self._spool = spool
        self._lock = lock
        self._sending = sending
        self._source = source
        self._now_s = asyncio.get_running_loop().time
        self._stirred = asyncio.Event()
        self._inbox: list[tuple[SpoolFile, Registration | Unregistration]] = []
        self._watches = _Watches(files, self._stirred.set)
        self._told: object = None
        self._is_live = False
        self._cleared_until_s = -math.inf

    async def run(self, *, idle_s: float = math.inf) -> None:
        """Publish until no session lived for so long, or somebody else has become the publisher."""
        await self._book.load()
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    group.create_task(self._listen(), name="live-spool"),
                    group.create_task(self._sending.run(), name="live-sending"),
                ]
                await self._publish(idle_s)
                for part in parts:
                    part.cancel()
        finally:
            self._watches.close()

    async def _listen(self) -> NoReturn:
        while True:
            file = await self._spool.next()
            told = read_registration(file.content, at=file.written_at)
            if told is None:
                log.warning("live registration not understood", source=file.name)
                await self._spool.set_aside(file.name)
                continue
            self._inbox.append((file, told))
            self._stirred.set()

    async def _publish(self, idle_s: float) -> None:
        beat_at_s = lived_at_s = self._now_s()
        while self._lock.is_held():
            self._stirred.clear()
            await self._take_in()
            await self._book.look()
            self._watches.renew(self._book.watched())
            now_s = self._now_s()
            if self._tell(due=now_s >= beat_at_s):
                beat_at_s = now_s + BEAT_S
                await self._book.keep()
            if not self._book.is_empty():
                lived_at_s = now_s
            elif now_s - lived_at_s >= idle_s:
                return
            await self._rest(beat_at_s)

    async def _take_in(self) -> None:
        taken, self._inbox = self._inbox, []
        for _, told in taken:
            if isinstance(told, Registration):
                await self._book.register(told)
            else:
                await self._book.unregister(told.session_id)
                if told.cleared:
                    self._cleared_until_s = self._now_s() + CLEAR_S
        if taken:
            await self._book.keep()
        for file, told in taken:
            log.info("live session told", session_id=told.session_id, began=isinstance(told, Registration))
            await self._spool.remove(file.name)

    def _tell(self, *, due: bool) -> bool:
        """Have the relay told if it is time or something changed; return whether it was."""
        sessions = self._book.shown()
        if not sessions and self._now_s() < self._cleared_until_s:
            return False
        news = _what_matters(sessions)
        if not due and news == self._told:
            return False
        self._told = news
        if sessions:
            self._sending.tell(HEARTBEAT, heartbeat(self._source, sessions))
        elif self._is_live:
            self._sending.tell(STOP, stop(self._source))
        self._is_live = bool(sessions)
        return True

    async def _rest(self, beat_at_s: float) -> None:
        """Wait until something stirs, a beat is due, or a cleared session had its time."""
        if self._cleared_until_s > self._now_s():
            beat_at_s = min(beat_at_s, self._cleared_until_s)
        try:
            async with asyncio.timeout_at(beat_at_s):
                await self._stirred.wait()
            await asyncio.sleep(COALESCE_S)
        except TimeoutError:
            pass


def _what_matters(sessions: Sequence[Session]) -> object:
    """Return that which is told at once when it changes; counts have time until the next beat."""
    return [
        (one.session_id, one.state, one.last_prompt, one.model, one.project, one.sensitive)
        for one in sessions
    ]


class _Watches:
    """The folders that are watched for files that matter."""

    def __init__(self, files: FileEvents, stir: Callable[[], None]) -> None:
        self._files = files
        self._stir = stir
        self._names: dict[Path, set[str]] = {}
        self._held: dict[Path, ExitStack] = {}

    def renew(self, wanted: Iterable[Path]) -> None:
        """Watch these files and no others; of one whose folder is missing, for the folder to come."""
        self._names = {}
        for file in wanted:
            folder = next((one for one in file.parents if one.is_dir()), None)
            if folder is not None:
                name = file.relative_to(folder).parts[0]
                self._names.setdefault(folder, set()).add(name)
        for folder in [*self._held]:
            if folder not in self._names:
                self._held.pop(folder).close()
        for folder in self._names:
            if folder not in self._held:
                self._watch(folder)

    def close(self) -> None:
        """Watch nothing any more."""
        for held in self._held.values():
            held.close()
        self._held.clear()

    def _watch(self, folder: Path) -> None:
        def told(event: FileEvent) -> None:
            if event.change not in _WANTED:  # the folder went away, or events were dropped
                held.close()
                if self._held.get(folder) is held:
                    del self._held[folder]
                self._stir()
            elif event.name in self._names.get(folder, ()):
                self._stir()

        held = ExitStack()
        with suppress(FileNotFoundError):  # it went away just now
            held.enter_context(self._files.watch(str(folder), _WANTED, told))
            self._held[folder] = held
