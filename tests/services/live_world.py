"""A world for live status on virtual time: sessions, their files and processes, a relay, a lock, a spool."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ccmux.core.errors import RelayFailed, StoreFailed
from ccmux.core.live.discretion import Discretion
from ccmux.core.live.registration import (
    Registration,
    Unregistration,
    read_registration,
    registration_text,
)
from ccmux.ports import FileChange, FileEvent, KeptSession, Lines, Position, SpoolFile
from ccmux.services.live import Book, LivePublisher, Sending

EPOCH = 1_800_000_000.0
CONFIG = "/nowhere/claude"


class World:
    """All fakes in one; its methods are what tests do to it."""

    def __init__(self) -> None:
        self._now_s = asyncio.get_running_loop().time
        # files
        self.files: dict[str, list[bytes]] = {}
        self.changed: dict[str, float] = {}
        self.generation: dict[str, int] = {}
        self.subagents: dict[str, list[str]] = {}
        self.registry: dict[int, dict[str, Any]] = {}
        self.looks = 0
        self.watched: dict[str, Callable[[FileEvent], None]] = {}
        # processes
        self.born: dict[int, float] = {}
        self.zombies: set[int] = set()
        # store
        self.ended: set[str] = set()
        self.kept: dict[str, KeptSession] = {}
        self.store_works = True
        # spool
        self.spooled: dict[str, SpoolFile] = {}
        self.set_asides: list[str] = []
        self._handed: set[str] = set()
        self._something = asyncio.Event()
        # lock
        self.held = False
        self.may_hold = True
        # relay
        self.posts: list[tuple[float, str, dict[str, Any]]] = []
        self.failing = False
        self.hanging = asyncio.Event()
        self.hanging.set()
        self.at_once = 0

    # ------------------------------------------------------------------------------------ what tests do

    def session(self, id_: str, *, pid: int = 0, sensitive: bool = False, cwd: str = "") -> Registration:
        """Start a session and register it, with its process where it has one."""
        if pid and pid not in self.born:
            self.born[pid] = self.now()
        told = Registration(
            session_id=id_,
            transcript_path=self.path(id_),
            cwd=cwd or f"/home/jo/{id_}",
            pid=pid,
            sensitive=sensitive,
            at=self.now(),
        )
        self.hook(told)
        return told

    def end(self, id_: str, *, cleared: bool = False) -> None:
        self.ended.add(id_)
        self.hook(Unregistration(id_, cleared=cleared))

    def hook(self, told: Registration | Unregistration) -> None:
        self.put(registration_text(told))

    def put(self, content: bytes) -> None:
        name = f"{len(self.spooled) + len(self._handed):04}.json"
        self.spooled[name] = SpoolFile(name, content, self.now())
        self._something.set()

    def asks(self, id_: str, text: str) -> None:
        self.writes(
            id_, {"type": "user", "uuid": f"{id_}-{text}", "message": {"role": "user", "content": text}}
        )

    def answers(self, id_: str, message: str, tokens: int = 10, **more: Any) -> None:
        usage = {"input_tokens": tokens, "output_tokens": 0}
        told = {"id": message, "model": "m", "content": [], "usage": usage, "stop_reason": "end_turn"}
        self.writes(id_, {"type": "assistant", "message": told, **more})

    def writes(self, id_: str, record: dict[str, Any]) -> None:
        self.write(self.path(id_), record)

    def write(self, path: str, record: dict[str, Any]) -> None:
        stamp = datetime.fromtimestamp(self.now()).astimezone().isoformat()
        self.files.setdefault(path, []).append(json.dumps({"timestamp": stamp, **record}).encode())
        self.changed[path] = self.now()
        self.stir(path)

    def replace_file(self, id_: str) -> None:
        """Put another, empty file into a transcript's place."""
        path = self.path(id_)
        self.files[path] = []
        self.generation[path] = self.generation.get(path, 0) + 1

    def dies(self, pid: int) -> None:
        """End a process that tells nobody."""
        del self.born[pid]

    def stir(self, path: str) -> None:
        for folder, callback in list(self.watched.items()):
            if path.startswith(folder):
                name = Path(path).relative_to(folder).parts[0]
                callback(FileEvent(name, FileChange.WRITTEN))

    def path(self, id_: str) -> str:
        return f"{CONFIG}/projects/p/{id_}.jsonl"

    @property
    def told(self) -> list[Any]:
        """What the relay was told, in short: the sessions of each heartbeat, or "stop"."""
        return [
            "stop" if path.endswith("stop") else [one["session_id"] for one in body["sessions"]]
            for _, path, body in self.posts
        ]

    def newest(self, id_: str) -> dict[str, Any]:
        """Return how a session was told of last."""
        return next(one for one in self.posts[-1][2]["sessions"] if one["session_id"] == id_)

    @asynccontextmanager
    async def publishing(self, **more: Any) -> AsyncIterator[asyncio.Task[None]]:
        """Run a publisher inside this context."""
        self.held = True
        self._handed.clear()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.publisher().run(**more), name="live")
            yield task
            task.cancel()

    def publisher(self, discretion: Discretion | None = None) -> LivePublisher:
        book = Book(
            store=self,
            files=self,
            registry=self.registry_of,
            processes=self,
            clock=self,
            discretion=discretion or Discretion(redact=False, projects=(), home="/home/jo", secret=b"s"),
        )
        return LivePublisher(
            book=book, spool=self, lock=self, sending=Sending(self), files=self, source="here"
        )

    # ------------------------------------------------------------------------------------------- its ports

    def now(self) -> float:
        return EPOCH + self._now_s()

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts).astimezone()

    def hhmm(self, ts: float) -> str:
        return self.local(ts).strftime("%H:%M")

    def changed_at(self, path: str) -> float | None:
        self.looks += 1
        return self.changed.get(path)

    def below(self, transcript: str) -> Sequence[str]:
        return self.subagents.get(transcript, [])

    def grown(self, path: str, position: Position) -> Iterator[Lines]:
        generation = str(self.generation.get(path, 0))
        if position.offset and position.before != generation:
            position = Position()
            yield Lines((), position, again=True)
        lines = self.files.get(path, [])
        if len(lines) > position.offset:
            yield Lines(lines[position.offset :], Position(len(lines), generation))

    def registry_of(self, config_dir: Path, pid: int) -> bytes | None:
        assert str(config_dir) == CONFIG
        return json.dumps(self.registry[pid]).encode() if pid in self.registry else None

    def start_time(self, pid: int) -> str:
        return f"{self.born[pid]:.0f}" if pid in self.born else ""

    def started_at(self, pid: int) -> float:
        return self.born.get(pid, 0.0)

    def state(self, pid: int) -> str:
        return "Z" if pid in self.zombies else "S"

    async def wait_exit(self, pid: int) -> None:
        raise NotImplementedError

    async def sessions(self) -> list[KeptSession]:
        self._work()
        return [replace(one) for one in self.kept.values()]

    async def keep(self, sessions: Collection[KeptSession]) -> None:
        self._work()
        for one in sessions:
            before = self.kept.get(one.registration.session_id)
            claims = {**(before.claims if before else {}), **one.claims}
            self.kept[one.registration.session_id] = replace(
                one, claims=claims, positions=dict(one.positions)
            )

    async def drop(self, session_ids: Collection[str]) -> None:
        self._work()
        for id_ in session_ids:
            self.kept.pop(id_, None)

    def _work(self) -> None:
        if not self.store_works:
            raise StoreFailed("live.db", "disk is full", "free some space")

    async def next(self) -> SpoolFile:
        while True:
            for name, file in sorted(self.spooled.items()):
                if name not in self._handed:
                    self._handed.add(name)
                    return file
            self._something.clear()
            await self._something.wait()

    async def remove(self, name: str) -> None:
        told = read_registration(self.spooled.pop(name).content, at=0)
        if isinstance(told, Registration) and self.store_works and told.session_id not in self.ended:
            assert told.session_id in self.kept, "it is on disk before its file is gone"

    async def set_aside(self, name: str) -> None:
        self.set_asides.append(name)
        del self.spooled[name]

    def take(self) -> bool:
        self.held = self.may_hold
        return self.held

    def is_held(self) -> bool:
        return self.held

    def release(self) -> None:
        self.held = False

    @contextmanager
    def watch(self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]) -> Iterator[None]:
        assert path not in self.watched
        self.watched[path] = callback
        try:
            yield
        finally:
            del self.watched[path]

    async def post(self, path: str, body: bytes) -> None:
        self.at_once += 1
        assert self.at_once == 1, "one post at a time"
        try:
            await self.hanging.wait()
            if self.failing:
                raise RelayFailed("http://relay", "refused")
            self.posts.append((self._now_s(), path, json.loads(body)))
        finally:
            self.at_once -= 1
