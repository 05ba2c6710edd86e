"""The book of sessions: who is registered, what they did so far, who of them may be seen.

It is used by one task. It waits for nothing but the store, and lets the loop breathe while it reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from ccmux.core.errors import StoreFailed
from ccmux.core.live.claims import Claims
from ccmux.core.live.discretion import Discretion
from ccmux.core.live.metrics import Meter, Totals
from ccmux.core.live.payload import Session, session_of
from ccmux.core.live.registration import Registration
from ccmux.core.live.standing import Life, Standing, standing_of
from ccmux.core.registry import read_registry
from ccmux.paths import config_dir_of
from ccmux.ports import Clock, GrowingFiles, KeptSession, LiveStore, Position, Processes

LATE_S = 5.0
"""A process that began so much after its registration was written is another one, by the same number."""

RegistryReader = Callable[[Path, int], bytes | None]
"""Returns what Claude's registry says of a process, below one of Claude's configuration folders."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Entry:
    """A session, as the book has it."""

    kept: KeptSession
    meter: Meter
    standing: Standing = Standing.ACTIVE
    changed: bool = True
    """There is something that the store does not know."""
    has_transcript: bool = False
    shown: tuple[str, bool, str] = ("", False, "")
    """The newest prompt, whether it is sensitive, and what others see of it: to find out takes a while."""

    @property
    def of(self) -> Registration:
        return self.kept.registration


class Book:
    """All sessions of this user that are registered."""

    def __init__(
        self,
        *,
        store: LiveStore,
        files: GrowingFiles,
        registry: RegistryReader,
        processes: Processes,
        clock: Clock,
        discretion: Discretion,
    ) -> None:
        self._store = store
        self._files = files
        self._registry = registry
        self._processes = processes
        self._clock = clock
        self._discretion = discretion
        self._claims = Claims()
        self._entries: dict[str, _Entry] = {}

    async def load(self) -> None:
        """Go on where an earlier publisher stopped."""
        try:
            kept = await self._store.sessions()
        except StoreFailed as error:
            log.warning("live sessions not read", reason=error.reason, way_out=error.way_out)
            return
        for session in kept:
            id_ = session.registration.session_id
            self._claims.restore(id_, session.claims.items())
            session.claims = {}
            self._entries[id_] = _Entry(session, Meter(id_, self._claims, session.totals), changed=False)

    async def register(self, told: Registration) -> None:
        """Take a session in, or note that it goes on; a process that was in another one has left that."""
        born = self._processes.start_time(told.pid) if told.pid else ""
        if born and self._processes.started_at(told.pid) > told.at + LATE_S:
            born = ""
        if born:
            for id_, other in list(self._entries.items()):
                if id_ != told.session_id and (other.of.pid, other.kept.born) == (told.pid, born):
                    await self.unregister(id_)
        entry = self._entries.get(told.session_id)
        if entry is None:
            kept = KeptSession(registration=told, born=born)
            entry = _Entry(kept, Meter(told.session_id, self._claims, kept.totals))
            self._entries[told.session_id] = entry
        else:
            if told.transcript_path not in {"", entry.of.transcript_path}:
                await self._start_again(entry)
            entry.kept.registration = told
            entry.kept.born = born
        entry.changed = True

    async def unregister(self, session_id: str) -> None:
        """Forget a session."""
        if self._entries.pop(session_id, None) is not None:
            self._claims.drop(session_id)
            await self._forget(session_id)

    async def look(self) -> None:
        """Read what is new, and forget sessions that ended without a word."""
        for id_, entry in list(self._entries.items()):
            changed_at = self._files.changed_at(entry.of.transcript_path)
            entry.has_transcript = changed_at is not None
            entry.standing = standing_of(
                self._life(entry),
                registered_at=entry.of.at,
                changed_at=changed_at,
                now=self._clock.now(),
            )
            if entry.standing is Standing.GONE:
                log.info("live session gone", session_id=id_)
                await self.unregister(id_)
            else:
                await self._read(entry)

    async def keep(self) -> None:
        """Put on disk what is not there yet; where that fails it is only read again by the next publisher."""
        changed = [entry for entry in self._entries.values() if entry.changed]
        for entry in changed:
            entry.kept.totals = entry.meter.totals
            entry.kept.claims = {**entry.kept.claims, **self._claims.news(entry.of.session_id)}
        if not changed:
            return
        try:
            await self._store.keep([entry.kept for entry in changed])
        except StoreFailed as error:
            log.warning("live sessions not kept", reason=error.reason, way_out=error.way_out)
            return
        for entry in changed:
            entry.kept.claims, entry.changed = {}, False

    def shown(self) -> list[Session]:
        """Return the sessions that are at work and may be seen, the oldest first."""
        return [self._told(entry) for entry in self._entries.values() if self._may_be_seen(entry)]

    def is_empty(self) -> bool:
        """Tell whether no session lives: those that nobody can vouch for count while they are at work."""
        return not any(
            entry.kept.born or entry.standing is Standing.ACTIVE for entry in self._entries.values()
        )

    def watched(self) -> Iterator[Path]:
        """Return the files whose change may change what is told."""
        for entry in self._entries.values():
            if entry.of.transcript_path:
                yield Path(entry.of.transcript_path)
            config_dir = config_dir_of(entry.of.transcript_path)
            if entry.of.pid and config_dir is not None:
                yield config_dir / "sessions" / f"{entry.of.pid}.json"

    # ----------------------------------------------------------------------------------------- one session

    def _life(self, entry: _Entry) -> Life:
        pid, born = entry.of.pid, entry.kept.born
        if not pid:
            return Life.UNKNOWN
        if (
            not born
            or self._processes.start_time(pid) != born
            or self._processes.state(pid) in {"Z", "X", ""}
        ):
            return Life.ENDED
        return Life.LIVES

    async def _read(self, entry: _Entry) -> None:
        """Read all that is new of a session; where its file is another one now, all of it anew."""
        transcript = entry.of.transcript_path
        if not entry.has_transcript:
            return
        while True:
            for path in (transcript, *self._files.below(transcript)):
                if not await self._read_file(entry, path, timed=path == transcript):
                    break
            else:
                return
            await self._start_again(entry)

    async def _read_file(self, entry: _Entry, path: str, *, timed: bool) -> bool:
        """Read what is new of a file; False where it is another one than before."""
        position = entry.kept.positions.get(path, Position())
        for piece in self._files.grown(path, position):
            if piece.again:
                return False
            for line in piece.lines:
                entry.meter.take(line, timed=timed)
            entry.kept.positions[path] = piece.position
            entry.changed = True
            await asyncio.sleep(0)  # a long file must not keep the loop for itself
        return True

    async def _start_again(self, entry: _Entry) -> None:
        id_ = entry.of.session_id
        log.info("live transcript read again", session_id=id_)
        self._claims.drop(id_)
        entry.kept.positions, entry.kept.totals, entry.kept.claims = {}, Totals(), {}
        entry.meter = Meter(id_, self._claims, entry.kept.totals)
        await self._forget(id_)
        entry.changed = True

    async def _forget(self, session_id: str) -> None:
        try:
            await self._store.drop([session_id])
        except StoreFailed as error:
            log.warning("live session not dropped", reason=error.reason, way_out=error.way_out)

    def _may_be_seen(self, entry: _Entry) -> bool:
        totals = entry.meter.totals
        # A transcript without a conversation, and nobody who could begin one: nobody's session.
        is_nothing = (
            not entry.of.pid and entry.has_transcript and not totals.user_prompts and not totals.usage.total
        )
        return entry.standing is Standing.ACTIVE and not is_nothing and self._discretion.shows(entry.of.cwd)

    def _told(self, entry: _Entry) -> Session:
        totals, sensitive = entry.meter.totals, entry.of.sensitive
        if entry.shown[:2] != (totals.last_prompt, sensitive):
            seen = self._discretion.prompt(totals.last_prompt, sensitive=sensitive)
            entry.shown = (totals.last_prompt, sensitive, seen)
        return session_of(
            entry.of.session_id,
            totals,
            project=Path(entry.of.cwd).name,
            model=totals.model or entry.of.model,
            state=self._state(entry),
            prompt=entry.shown[2],
            sensitive=sensitive,
        )

    def _state(self, entry: _Entry) -> str:
        """Return Claude's own word on what it does, or what the transcript lets believe."""
        config_dir = config_dir_of(entry.of.transcript_path)
        if entry.kept.born and config_dir is not None:
            raw = self._registry(config_dir, entry.of.pid)
            said = None if raw is None else read_registry(raw)
            if said is not None and said.session_id == entry.of.session_id and said.status:
                return "idle" if said.is_idle else said.status
        return "busy" if entry.meter.totals.busy else "idle"
