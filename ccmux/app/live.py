"""The publisher of live status, made and wired: for a daemon, for `ccmux live serve`, and for a look at it.

Only here are settings, environment and secrets put together; a key stays in memory.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ccmux.core.errors import CcmuxError, first_of
from ccmux.core.live.discretion import Discretion
from ccmux.core.live.payload import heartbeat, source_name
from ccmux.core.live.registration import (
    Registration,
    Unregistration,
    read_registration,
    registration_text,
)
from ccmux.core.settings import LiveSettings
from ccmux.drivers import live_hook
from ccmux.drivers.api_token import token_at
from ccmux.drivers.claude_home import ClaudeHome
from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.growing_files import TranscriptFiles
from ccmux.drivers.logs import logging_to
from ccmux.drivers.processes import Processes
from ccmux.drivers.publisher_lock import FilePublisherLock
from ccmux.drivers.relay import HttpRelay
from ccmux.drivers.spool import Spool
from ccmux.drivers.sqlite import SqliteLiveStore
from ccmux.drivers.state_dir import make_private
from ccmux.end_signals import when_told_to_end
from ccmux.files import replace_file
from ccmux.paths import ClaudePaths, LivePaths, find_live_paths, read_secret
from ccmux.ports import Clock, FileEvents, KeptSession, LiveStore, PublisherLock, Sightings
from ccmux.services.live import Book, LivePublisher, LiveShare, Sending

ENDPOINT_VARIABLE, KEY_VARIABLE = "CC_LIVE_ENDPOINT", "CC_LIVE_API_KEY"
SENSITIVE_VARIABLE = "CC_LIVE_SENSITIVE"

IDLE_S = 30 * 60.0
"""A publisher of its own ends after so long without a session."""
REGISTRATION_BYTES = 1 << 20
"""A hook's payload of a session's start has some hundred."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Live status as a user wants it.

    Attributes:
        endpoint: The relay, "" where nobody is to be told.
        key: What it knows us by, "" where there is none.
        source: What it calls us.
        discretion: What it may be told.
        paths: Where all lies.

    """

    endpoint: str
    key: str = field(repr=False)
    source: str
    discretion: Discretion = field(repr=False)
    paths: LivePaths

    @property
    def is_wanted(self) -> bool:
        """Tell whether somebody is to be told, and may be."""
        return bool(self.endpoint and self.key)


def wants_live(settings: LiveSettings, environment: Mapping[str, str]) -> bool:
    """Tell whether a relay is named; else nothing of live status is made or looked at."""
    return bool(environment.get(ENDPOINT_VARIABLE) or settings.endpoint)


def find_live(settings: LiveSettings, environment: Mapping[str, str]) -> Live:
    """Return live status as settings, environment and secrets have it; the environment goes first.

    Raises:
        SecretUnsafe: The key, or the secret that noise is made with, is not ours alone.
        StateDirUnsafe: The folder for it cannot be made, or is open to others.

    """
    paths = find_live_paths(environment)
    make_private(paths.data_dir, paths.dir, paths.log_file.parent)
    secret = token_at(paths.noise_key).encode()
    return Live(
        endpoint=environment.get(ENDPOINT_VARIABLE) or settings.endpoint,
        key=environment.get(KEY_VARIABLE)
        or (read_secret(paths.api_key) or b"").decode("utf-8", "replace").strip(),
        source=settings.source or source_name(_host(), os.getuid(), secret),
        discretion=Discretion(
            redact=settings.redact, projects=settings.projects, home=str(Path.home()), secret=secret
        ),
        paths=paths,
    )


def share(
    live: Live,
    *,
    sightings: Sightings,
    files: FileEvents,
    clock: Clock,
    cwd: str,
    environment: Mapping[str, str],
) -> LiveShare:
    """Return a daemon's part in it; `environment` is that of its Claude."""
    lock = FilePublisherLock(live.paths.lock)
    return LiveShare(
        sightings=sightings,
        put=lambda told: _put(live.paths, told),
        lock=lock,
        publisher=lambda: publisher(live, lock, files),
        clock=clock,
        cwd=cwd,
        sensitive=environment.get(SENSITIVE_VARIABLE) == "1",
    )


def _put(paths: LivePaths, told: Registration | Unregistration) -> None:
    """Put into the spool what a hook would; raises OSError."""
    now_s = WallClock().now()
    paths.spool.mkdir(mode=0o700, exist_ok=True)
    replace_file(paths.spool / f"{now_s * 1e9:.0f}-{os.getpid()}.json", registration_text(told), mode=0o600)


@asynccontextmanager
async def publisher(live: Live, lock: PublisherLock, files: FileEvents) -> AsyncIterator[LivePublisher]:
    """Make a publisher with all it needs, and take that down.

    Raises:
        StoreFailed: The database cannot be opened.

    """
    store = await SqliteLiveStore.open(live.paths.database)
    try:
        with Spool(live.paths.spool, files, max_file_bytes=REGISTRATION_BYTES) as spool:
            yield LivePublisher(
                book=_book(live, store, files),
                spool=spool,
                lock=lock,
                sending=Sending(HttpRelay(live.endpoint, live.key)),
                files=files,
                source=live.source,
            )
    finally:
        await store.close()


def serve(live: Live, *, inherited: int | None) -> int:
    """Be the publisher until no session lived for IDLE_S; return 0, at once where there is another one.

    Args:
        live: What is wanted. Where nobody is to be told, what hooks told is thrown away.
        inherited: A descriptor that holds the lock, from whoever started us.

    Raises:
        CcmuxError: It cannot publish.

    """
    lock = FilePublisherLock(live.paths.lock, inherited=inherited)
    with logging_to(live.paths.log_file, journal=os.environ.get("JOURNAL_STREAM", "")):
        goes_on = lock.take()
        _renew_hook(live.paths)
        while goes_on:
            if live.is_wanted:
                goes_on = _publish(live, lock)
            else:
                _throw_away(live.paths)
            lock.release()
            # Whoever registered just before saw the lock taken, and started nobody.
            goes_on = goes_on and any(live.paths.spool.glob("*.json")) and lock.take()
    return 0


def _publish(live: Live, lock: PublisherLock) -> bool:
    """Publish; return whether it ended by itself."""
    ended = False
    try:
        ended = asyncio.run(_serve(live, lock))
    except* CcmuxError as group:
        error = first_of(group)
        log.warning("live publisher failed", reason=str(error))
        raise error from None
    except* OSError as others:
        log.warning("live publisher failed", reason=str(others.exceptions[0]))
    return ended


def _renew_hook(paths: LivePaths) -> None:
    """Let Claude's hooks, where they were installed, start the shim of this ccmux."""
    if paths.hook.exists():
        with suppress(OSError):
            live_hook.install(paths.hook)


def _throw_away(paths: LivePaths) -> None:
    for file in paths.spool.glob("*.json"):
        file.unlink(missing_ok=True)


async def _serve(live: Live, lock: PublisherLock) -> bool:
    stopped = asyncio.Event()
    files = InotifyFileEvents()
    log.info("live publisher began", pid=os.getpid())
    try:
        async with publisher(live, lock, files) as publishing, asyncio.TaskGroup() as group:
            task = group.create_task(publishing.run(idle_s=IDLE_S), name="live")

            def stop() -> None:
                stopped.set()
                task.cancel()

            when_told_to_end(stop)
    finally:
        files.close()
    log.info("live publisher ended", pid=os.getpid())
    return not stopped.is_set()


async def preview(live: Live) -> bytes:
    """Return the heartbeat that is due now, byte for byte; nothing is sent, kept or taken away."""
    files = InotifyFileEvents()
    store = await SqliteLiveStore.open(live.paths.database)
    try:
        book = _book(live, _Unchanged(store), files)
        await book.load()
        for file in sorted(live.paths.spool.glob("*.json")):
            with suppress(OSError):  # taken meanwhile
                match read_registration(file.read_bytes(), at=file.stat().st_mtime):
                    case Registration() as told:
                        await book.register(told)
                    case Unregistration(session_id=session_id):
                        await book.unregister(session_id)
                    case None:
                        pass
        await book.look()
        return heartbeat(live.source, book.shown())
    finally:
        await store.close()
        files.close()


class _Unchanged:
    """A store that is only read."""

    def __init__(self, store: SqliteLiveStore) -> None:
        self._store = store

    async def sessions(self) -> list[KeptSession]:
        return await self._store.sessions()

    async def keep(self, sessions: Collection[KeptSession]) -> None:
        pass

    async def drop(self, session_ids: Collection[str]) -> None:
        pass


def _book(live: Live, store: LiveStore, files: FileEvents) -> Book:
    def registry(config_dir: Path, pid: int) -> bytes | None:
        paths = ClaudePaths(config_dir=config_dir, state_file=config_dir / ".claude.json")
        return ClaudeHome(paths, events=files).read(pid)

    return Book(
        store=store,
        files=TranscriptFiles(),
        registry=registry,
        processes=Processes(),
        clock=WallClock(),
        discretion=live.discretion,
    )


def _host() -> str:
    """Return what tells this machine from others, also after it was called something else."""
    try:
        return Path("/etc/machine-id").read_text("ascii").strip() or socket.gethostname()
    except OSError:
        return socket.gethostname()
