"""The publisher keeps the socket there and hands on every commit, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from ccmux.core.events import Event, EventType
from ccmux.ports import FileChange, FileEvent
from ccmux.services.hub import Hub
from ccmux.services.publisher import Publisher
from tests import virtual_time

EVENT = Event(seq=1, type=EventType.TURN, line=b"{}\n")


class World:
    """The socket, and the folder it is in."""

    def __init__(self) -> None:
        self.listens = 0
        self.is_there = False
        self.folder_is_there = True
        self.published: list[int] = []
        self.tell: Callable[[FileEvent], None] = lambda _event: None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        if not self.folder_is_there:
            raise FileNotFoundError
        self.listens += 1
        self.is_there = True
        try:
            yield
        finally:
            self.is_there = False

    def publish(self, events: Sequence[Event]) -> None:
        self.published += [event.seq for event in events]

    def in_place(self) -> bool:
        return self.is_there

    @contextmanager
    def watch(self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]) -> Iterator[None]:
        self.tell = callback
        yield

    def delete(self, *, with_folder: bool = False) -> None:
        self.is_there = False
        self.folder_is_there = not with_folder
        self.tell(FileEvent("output.sock", FileChange.VANISHED))


def test_it_listens_again_when_its_file_or_folder_was_deleted() -> None:
    async def told() -> None:
        world, hub = World(), Hub()
        publisher = Publisher(socket=world, events=hub, files=world, folder="/run")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(publisher.run(), name="publisher")
            await asyncio.sleep(1)
            hub.publish([EVENT])
            assert (world.listens, world.published) == (1, [1])
            world.tell(FileEvent("in", FileChange.VANISHED))
            await asyncio.sleep(1)
            assert world.listens == 1
            world.delete()
            await asyncio.sleep(1)
            assert world.listens == 2
            world.delete(with_folder=True)
            await asyncio.sleep(10)
            assert not world.is_there
            world.folder_is_there = True
            await asyncio.sleep(1)
            assert world.listens == 3
            task.cancel()

    virtual_time.run(told())
