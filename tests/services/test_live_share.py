"""A daemon's part in live status, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ccmux.core.errors import StoreFailed
from ccmux.core.live.registration import Registration, Unregistration
from ccmux.core.observation import ProcessSeen, SessionSeen
from ccmux.services.hub import Hub
from ccmux.services.live import LivePublisher, LiveShare
from tests import virtual_time
from tests.services.live_world import EPOCH, World


class House:
    """A daemon that does nothing else."""

    def __init__(self) -> None:
        self.world = World()
        self.hub = Hub()
        self.told: list[Registration | Unregistration] = []
        self.disk_is_full = False
        self.database_is_broken = False
        self.share = LiveShare(
            sightings=self.hub,
            put=self.put,
            lock=self.world,
            publisher=self.publisher,
            clock=self.world,
            cwd="/project",
            sensitive=True,
        )

    def put(self, told: Registration | Unregistration) -> None:
        if self.disk_is_full:
            raise OSError(28, "No space left on device")
        self.told.append(told)
        self.world.hook(told)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[LivePublisher]:
        if self.database_is_broken:
            raise StoreFailed("live.db", "damaged", "remove it")
        yield self.world.publisher()

    def sees(self, session_id: str | None = None, pid: int | None = None) -> None:
        if session_id is None:
            self.hub.tell(ProcessSeen(pid=pid))
            if pid is not None:
                self.world.born.setdefault(pid, self.world.now())
        else:
            path = self.world.path(session_id)
            self.hub.tell(SessionSeen(session_id=session_id, transcript_path=path))


def story(tell: Callable[[House], Awaitable[None]]) -> None:
    async def told() -> None:
        house = House()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(house.share.run(), name="live")
            await tell(house)
            task.cancel()

    virtual_time.run(told())


def test_it_publishes_its_own_session_where_nobody_else_does() -> None:
    async def tell(house: House) -> None:
        house.sees("a")
        await asyncio.sleep(2)
        assert house.told == []
        house.sees(pid=1)
        await asyncio.sleep(2)
        assert house.told == [
            Registration(
                session_id="a",
                transcript_path=house.world.path("a"),
                cwd="/project",
                pid=1,
                sensitive=True,
                at=EPOCH + 2,
            )
        ]
        assert house.world.told == [["a"]]

    story(tell)


def test_it_registers_what_changes_and_nothing_twice() -> None:
    async def tell(house: House) -> None:
        house.sees("a")
        house.sees(pid=1)
        house.sees("a")
        await asyncio.sleep(1)
        house.sees("b")  # after /clear
        await asyncio.sleep(1)
        house.sees(pid=None)
        await asyncio.sleep(1)
        house.sees(pid=2)
        await asyncio.sleep(1)
        told = [(one.session_id, one.pid) if isinstance(one, Registration) else one for one in house.told]
        assert told == [
            ("a", 1),
            Unregistration("a", cleared=True),
            ("b", 1),
            Unregistration("b"),
            ("b", 2),
        ]

    story(tell)


def test_where_another_publisher_runs_it_only_registers_and_takes_over_when_that_ends() -> None:
    async def tell(house: House) -> None:
        house.world.may_hold = False
        house.sees("a")
        house.sees(pid=1)
        await asyncio.sleep(60)
        assert len(house.told) == 1
        assert house.world.posts == []
        house.world.may_hold = True
        await asyncio.sleep(11)
        assert house.world.told == [["a"]]

    story(tell)


def test_it_becomes_the_publisher_again_where_its_lock_was_lost() -> None:
    async def tell(house: House) -> None:
        house.sees("a")
        house.sees(pid=1)
        await asyncio.sleep(2)
        house.world.held = False
        await asyncio.sleep(45)
        assert house.world.held
        assert len(house.world.posts) >= 2

    story(tell)


def test_what_goes_wrong_takes_no_daemon_down() -> None:
    async def tell(house: House) -> None:
        house.database_is_broken = house.disk_is_full = True
        house.sees("a")
        house.sees(pid=1)
        await asyncio.sleep(60)
        assert not house.world.held, "somebody else may be luckier"
        house.database_is_broken = house.disk_is_full = False
        house.sees("b")
        await asyncio.sleep(15)
        assert house.world.told == [["b"]]

    story(tell)
