"""The observer: every hook once and in order, the registry's newest word, and never a dead process's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ccmux.core.observation import HookSeen, ProcessSeen, RegistrySeen, SessionSeen, Sighting
from ccmux.ports import SpoolFile
from ccmux.services.hub import Hub
from ccmux.services.observer import Observer
from tests import virtual_time


class FakeSpool:
    def __init__(self) -> None:
        self.files: asyncio.Queue[SpoolFile] = asyncio.Queue()
        self.removed: list[str] = []
        self.aside: list[str] = []

    def put(self, name: str, content: bytes | dict[str, Any]) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.files.put_nowait(SpoolFile(name, raw, 5.0))

    async def next(self) -> SpoolFile:
        return await self.files.get()

    async def remove(self, name: str) -> None:
        self.removed.append(name)

    async def set_aside(self, name: str) -> None:
        self.aside.append(name)


class FakeRegistry:
    """The registry files, and processes of which only the start is known."""

    def __init__(self) -> None:
        self.files: dict[int, bytes] = {}
        self.watched: dict[int, Callable[[], None]] = {}

    def write(self, pid: int, content: bytes | dict[str, Any] | None) -> None:
        if content is None:
            self.files.pop(pid, None)
        else:
            self.files[pid] = content if isinstance(content, bytes) else json.dumps(content).encode()
        if pid in self.watched:
            self.watched[pid]()

    def read(self, pid: int) -> bytes | None:
        return self.files.get(pid)

    @contextmanager
    def watch(self, pid: int, changed: Callable[[], None]) -> Iterator[None]:
        self.watched[pid] = changed
        try:
            yield
        finally:
            del self.watched[pid]

    def start_time(self, pid: int) -> str:
        return f"start-{pid}"

    def started_at(self, pid: int) -> float:
        return 0.0

    def state(self, pid: int) -> str:
        return "S"

    async def wait_exit(self, pid: int) -> None: ...


class Desk:
    def __init__(self) -> None:
        self.hub = Hub()
        self.spool = FakeSpool()
        self.registry = FakeRegistry()
        self.ear = self.hub.listen(HookSeen, RegistrySeen, SessionSeen)
        self.observer = Observer(
            sightings=self.hub, hooks=self.spool, registry=self.registry, processes=self.registry
        )

    async def heard(self) -> list[Sighting]:
        await asyncio.sleep(1)
        return self.ear.drain()

    async def statuses(self) -> list[str | None]:
        return [
            s.entry.status if s.entry else None for s in await self.heard() if isinstance(s, RegistrySeen)
        ]


def story(tell: Callable[[Desk], Awaitable[None]]) -> None:
    async def told() -> None:
        desk = Desk()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(desk.observer.run(), name="observer")
            await tell(desk)
            task.cancel()

    virtual_time.run(told())


def hook(name: str, session: str = "s", **more: Any) -> dict[str, Any]:
    return {"hook_event_name": name, "session_id": session, "transcript_path": f"/{session}", **more}


def entry(pid: int, status: str, **more: Any) -> dict[str, Any]:
    return {"pid": pid, "sessionId": "s", "status": status, "statusUpdatedAt": 1_000, **more}


def test_hooks_are_told_in_order_and_removed_when_told() -> None:
    async def tell(desk: Desk) -> None:
        desk.spool.put("1", hook("UserPromptSubmit", prompt="hi", prompt_id="p"))
        desk.spool.put("2", hook("Stop"))
        heard = await desk.heard()
        names = [s.event.name for s in heard if isinstance(s, HookSeen)]
        assert names == ["UserPromptSubmit", "Stop"]
        assert desk.spool.removed == ["1", "2"]

    story(tell)


def test_an_unreadable_event_is_set_aside_and_the_next_is_told() -> None:
    async def tell(desk: Desk) -> None:
        desk.spool.put("1", b"{half")
        desk.spool.put("2", hook("Stop"))
        assert [type(s) for s in await desk.heard()] == [SessionSeen, HookSeen]
        assert (desk.spool.aside, desk.spool.removed) == (["1"], ["2"])

    story(tell)


def test_where_the_conversation_goes_on_is_told_once_and_before_its_hook() -> None:
    async def tell(desk: Desk) -> None:
        for number, event in enumerate(
            [
                hook("Stop"),
                hook("Stop"),
                hook("SessionEnd", "s"),
                hook("SessionStart", "t"),
                hook("SessionEnd", "s"),
            ]
        ):
            desk.spool.put(str(number), event)
        heard = await desk.heard()
        assert [s.session_id for s in heard if isinstance(s, SessionSeen)] == ["s", "t"]
        assert isinstance(heard[0], SessionSeen)

    story(tell)


def test_a_subagents_event_moves_no_session() -> None:
    async def tell(desk: Desk) -> None:
        desk.spool.put("1", hook("Stop", "other", agent_id="a"))
        assert [type(s) for s in await desk.heard()] == [HookSeen]

    story(tell)


def test_the_registry_is_read_at_the_start_and_at_each_change() -> None:
    async def tell(desk: Desk) -> None:
        desk.registry.write(7, entry(7, "busy"))
        desk.hub.tell(ProcessSeen(pid=7))
        assert await desk.statuses() == ["busy"]
        desk.registry.write(7, entry(7, "idle"))
        assert await desk.statuses() == ["idle"]
        desk.registry.write(7, None)
        assert await desk.statuses() == [None]

    story(tell)


def test_a_half_written_registry_is_read_again() -> None:
    async def tell(desk: Desk) -> None:
        desk.registry.write(7, b'{"pid":7,')
        desk.hub.tell(ProcessSeen(pid=7))
        assert await desk.statuses() == []
        desk.registry.files[7] = json.dumps(entry(7, "idle")).encode()  # without a further event
        assert await desk.statuses() == ["idle"]

    story(tell)


def test_a_registry_that_stays_unreadable_says_nothing_and_is_left_alone() -> None:
    async def tell(desk: Desk) -> None:
        desk.registry.write(7, entry(7, "idle"))
        desk.hub.tell(ProcessSeen(pid=7))
        assert await desk.statuses() == ["idle"]
        desk.registry.write(7, b"a new format")
        await asyncio.sleep(60)
        assert await desk.statuses() == [None]
        desk.registry.write(7, entry(7, "busy"))
        assert await desk.statuses() == ["busy"]

    story(tell)


def test_a_dead_processs_file_is_nobodys_word() -> None:
    async def tell(desk: Desk) -> None:
        desk.registry.write(7, entry(7, "busy", procStart="start-of-another-7"))
        desk.hub.tell(ProcessSeen(pid=7))
        assert await desk.statuses() == [None]
        desk.registry.write(7, entry(7, "idle", procStart="start-7"))
        assert await desk.statuses() == ["idle"]

    story(tell)


def test_the_next_process_is_followed_and_the_last_one_let_go() -> None:
    async def tell(desk: Desk) -> None:
        desk.hub.tell(ProcessSeen(pid=7))
        await desk.heard()
        desk.hub.tell(ProcessSeen(pid=None))
        await desk.heard()
        assert desk.registry.watched == {}
        desk.registry.write(8, entry(8, "idle"))
        desk.hub.tell(ProcessSeen(pid=8))
        assert await desk.statuses() == ["idle"]
        assert set(desk.registry.watched) == {8}

    story(tell)
