"""What a service manager hears of the daemon, and what its next start finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import StoreFailed
from ccmux.core.events import Event
from ccmux.core.runs import Run
from ccmux.services.presence import CALM_S, Facts, Presence, standing
from tests import virtual_time

FULL = StoreFailed("/db", "disk full", "free some space", passes=True)


class Manager:
    """A service manager that writes down when it heard what."""

    def __init__(self, *, reaches: bool = True, watchdog_s: float | None = None) -> None:
        self.reaches = reaches
        self.watchdog_s = watchdog_s
        self.heard: list[tuple[float, str]] = []
        self.is_deaf = False

    def _hear(self, what: str) -> None:
        self.heard.append((round(asyncio.get_running_loop().time(), 3), what))

    def ready(self) -> None:
        self._hear("ready")

    def alive(self) -> None:
        self._hear("alive")

    def status(self, line: str) -> bool:
        self._hear(line)
        return not self.is_deaf

    def stopping(self) -> None:
        self._hear("stopping")

    def times(self, what: str) -> list[float]:
        return [at for at, heard in self.heard if heard == what]


class Book:
    """The store's runs; `failure` is raised while it is set, `begins` holds the first call up."""

    def __init__(self) -> None:
        self.trouble = ""
        self.calls: list[tuple[float, str]] = []
        self.failure: StoreFailed | None = None
        self.begins = asyncio.Event()
        self.begins.set()
        self.queued = 0

    async def _call(self, what: str) -> None:
        self.calls.append((round(asyncio.get_running_loop().time(), 3), what))
        if self.failure is not None:
            raise self.failure

    async def begin_run(self) -> None:
        await self.begins.wait()
        await self._call("begin")

    async def renew_run(self) -> None:
        await self._call("renew")

    async def end_run(self) -> None:
        await self._call("end")

    async def runs(self) -> list[Run]:
        return []

    async def counts(self) -> dict[str, int]:
        return {"queued": self.queued, "answered": 7}


class Dispatcher:
    def __init__(self) -> None:
        self.known: dict[str, Any] = {"state": "idle", "hold": None}

    def status(self) -> Mapping[str, Any]:
        return self.known

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def interrupt(self) -> None: ...


class Scene:
    """A presence with its doubles; `event` is a commit that others hear of."""

    def __init__(self, manager: Manager) -> None:
        self.manager, self.book, self.dispatcher = manager, Book(), Dispatcher()
        self.doors = [asyncio.Event(), asyncio.Event()]
        self.stopping = asyncio.Event()
        self._followers: list[Callable[[Sequence[Event]], None]] = []
        self.presence = Presence(
            manager=manager,
            book=self.book,
            dispatching=self.dispatcher,
            following=self._following,
            in_place=self.doors,
            stopping=self.stopping,
        )

    @contextmanager
    def _following(self, follower: Callable[[Sequence[Event]], None]) -> Iterator[None]:
        self._followers.append(follower)
        yield

    def event(self) -> None:
        for follower in self._followers:
            follower(())


def play(manager: Manager, story: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def played() -> Scene:
        scene = Scene(manager)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(scene.presence.run())
            await story(scene)
            task.cancel()
        return scene

    with capture_logs():
        return virtual_time.run(played())


def test_ready_is_said_once_all_doors_are_open_and_not_before() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(5)
        scene.doors[1].set()
        await asyncio.sleep(5)
        assert scene.manager.times("ready") == []
        scene.doors[0].set()
        await asyncio.sleep(50)

    assert play(Manager(), story).manager.times("ready") == [10]


def test_a_full_disk_keeps_nobody_from_being_ready_and_alive() -> None:
    async def story(scene: Scene) -> None:
        scene.book.begins.clear()
        for door in scene.doors:
            door.set()
        await asyncio.sleep(95)

    scene = play(Manager(watchdog_s=60.0), story)
    assert scene.manager.times("ready") == [0]
    assert scene.manager.times("alive") == [0, 30, 60, 90]
    assert scene.book.calls == []


def test_the_watchdog_hears_of_us_twice_within_its_patience_and_only_if_it_asks() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(31)

    assert play(Manager(watchdog_s=20.0), story).manager.times("alive") == [0, 10, 20, 30]
    assert play(Manager(), story).manager.times("alive") == []


def test_where_nobody_listens_only_the_database_is_told() -> None:
    async def story(scene: Scene) -> None:
        for door in scene.doors:
            door.set()
        await asyncio.sleep(150)
        scene.stopping.set()
        await asyncio.sleep(0)

    scene = play(Manager(reaches=False), story)
    assert [what for _, what in scene.manager.heard] == ["stopping"]
    assert scene.book.calls == [(0, "begin"), (60, "renew"), (120, "renew"), (150, "end")]


def test_an_end_that_nobody_asked_for_is_no_end_in_order() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(10)

    assert [what for _, what in play(Manager(), story).book.calls] == ["begin"]


def test_stopping_is_said_before_anything_has_ended() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(10)
        scene.stopping.set()
        await asyncio.sleep(3)

    assert play(Manager(), story).manager.times("stopping") == [10]


def test_what_the_disk_refuses_is_tried_again_a_minute_later_and_the_line_says_it() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(1)
        scene.book.failure, scene.book.trouble = FULL, "disk full; free some space"
        await asyncio.sleep(130)
        scene.book.failure, scene.book.trouble = None, ""
        await asyncio.sleep(60)

    scene = play(Manager(), story)
    assert [at for at, what in scene.book.calls if what == "renew"] == [60, 120, 180]
    assert [(at, line) for at, line in scene.manager.heard if line.startswith("Claude")] == [
        (0, "Claude is idle"),
        (60 + CALM_S, "Claude is idle; the database waits: disk full; free some space"),
        (180 + CALM_S, "Claude is idle"),
    ]


def test_an_end_that_the_disk_refuses_is_an_end_all_the_same() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(1)
        scene.book.failure = FULL
        scene.stopping.set()

    assert play(Manager(), story).book.calls[-1] == (1, "end")


def test_a_database_that_is_broken_ends_the_house() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(1)
        scene.book.failure = StoreFailed("/db", "malformed", "restore a backup")
        await asyncio.sleep(100)

    with pytest.raises(BaseExceptionGroup) as ended:
        play(Manager(), story)
    assert ended.group_contains(StoreFailed)


def test_the_line_follows_what_happens_and_is_said_only_where_it_changed() -> None:
    async def story(scene: Scene) -> None:
        scene.dispatcher.known["state"] = "starting"
        await asyncio.sleep(5)
        for state in ("idle", "busy", "idle"):
            scene.dispatcher.known["state"] = state
            scene.event()
            await asyncio.sleep(0.1)
        await asyncio.sleep(10)
        scene.book.queued = 2
        scene.event()
        await asyncio.sleep(10)
        scene.event()
        await asyncio.sleep(10)
        scene.dispatcher.known["hold"] = "paused"  # a pause is no event
        await asyncio.sleep(60)

    assert play(Manager(), story).manager.heard == [
        (0, "Claude is starting"),
        (5 + CALM_S, "Claude is idle"),
        (15.3 + CALM_S, "Claude is idle; 2 wait"),
        (60 + CALM_S, "Claude is idle, held: paused; 2 wait"),
    ]


def test_a_line_that_was_not_heard_is_said_again_with_the_next_event() -> None:
    async def story(scene: Scene) -> None:
        scene.manager.is_deaf = True
        await asyncio.sleep(5)
        scene.manager.is_deaf = False
        for _ in range(2):
            scene.event()
            await asyncio.sleep(5)

    assert play(Manager(), story).manager.heard == [(0, "Claude is idle"), (5 + CALM_S, "Claude is idle")]


@pytest.mark.parametrize(
    ("facts", "waiting", "line"),
    [
        (("busy", "Claude is generating", ""), 0, "Claude is busy"),
        (("waiting", "permission prompt", ""), 1, "Claude is waiting, held: permission prompt; 1 wait"),
        (("down", "not running", "full"), 0, "Claude is down; the database waits: full"),
    ],
)
def test_a_hold_that_the_state_says_already_is_left_out(
    facts: tuple[str, str, str], waiting: int, line: str
) -> None:
    state, hold, trouble = facts
    assert standing(Facts(state=state, hold=hold, trouble=trouble), waiting=waiting) == line


def test_what_else_a_person_should_know_stands_at_the_end() -> None:
    facts = Facts(state="idle", hold="", trouble="", remark="older settings are used")
    assert standing(facts, waiting=2) == "Claude is idle; 2 wait; older settings are used"
