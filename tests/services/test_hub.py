"""The hub tells in order, to those who asked, and keeps nothing."""

from __future__ import annotations

import asyncio

from ccmux.core.events import Event, EventType
from ccmux.core.observation import CaughtUp, ProcessSeen, QueueGrew
from ccmux.services.hub import Hub


def test_an_ear_hears_its_kinds_in_order_from_now_on() -> None:
    hub = Hub()
    hub.tell(QueueGrew())
    ear = hub.listen(QueueGrew, ProcessSeen)
    hub.tell(ProcessSeen(pid=7))
    hub.tell(CaughtUp())
    hub.tell(QueueGrew())
    assert ear.drain() == [ProcessSeen(pid=7), QueueGrew()]
    assert ear.drain() == []


def test_waiting_ends_with_the_next_sighting_also_after_a_drain() -> None:
    async def story() -> None:
        hub = Hub()
        ear = hub.listen(QueueGrew)
        hub.tell(QueueGrew())
        ear.drain()
        async with asyncio.TaskGroup() as group:
            heard = group.create_task(ear.next(), name="listener")
            await asyncio.sleep(0)
            assert not heard.done()
            hub.tell(QueueGrew())
        assert heard.result() == QueueGrew()

    asyncio.run(story())


def test_what_is_put_to_one_ear_is_heard_there_alone() -> None:
    hub = Hub()
    one, other = hub.listen(QueueGrew), hub.listen(QueueGrew)
    one.put(QueueGrew())
    assert one.drain() == [QueueGrew()]
    assert other.drain() == []


def test_followers_get_every_commit_while_they_follow() -> None:
    hub = Hub()
    got: list[int] = []
    event = Event(seq=1, type=EventType.TURN, line=b"{}\n")
    with hub.following(lambda events: got.extend(e.seq for e in events)):
        hub.publish([event])
    hub.publish([event])
    assert got == [1]
