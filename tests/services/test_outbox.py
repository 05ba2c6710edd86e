from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import msgspec
import pytest
from structlog.testing import capture_logs

from ccmux.ports import ChannelInfo, SendOutcome, SendResult, Store, Taken
from ccmux.services.outbox import Outbox
from tests.services.fakes import FakeOutboxStore, FakeOutputs

DELIVERED = SendResult(outcome=SendOutcome.DELIVERED)
BEHIND = SendResult(outcome=SendOutcome.BEHIND)
QUEUED = SendResult(outcome=SendOutcome.QUEUED)
DUPLICATE = SendResult(outcome=SendOutcome.DUPLICATE)


class Noon:
    def now(self) -> float:
        return 43200.5

    def hhmm(self, ts: float) -> str:
        return "12:00"

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts, UTC)


class House:
    """An outbox between fakes."""

    def __init__(self, outputs: FakeOutputs, store: FakeOutboxStore, delivery_wait_s: float) -> None:
        self.store = store
        self.outputs = outputs
        self.outbox = Outbox(
            store=cast("Store", store), outputs=outputs, clock=Noon(), delivery_wait_s=delivery_wait_s
        )

    async def send(self, channel: str, message: str, key: str | None = None) -> SendResult:
        return await self.outbox.send(channel, message, key=key)

    async def settle(self) -> None:
        """Let everybody come to a rest."""
        for _ in range(50):
            await asyncio.sleep(0)

    def read(self, channel: str) -> list[str]:
        lines = self.outputs.lines.get(channel, [])
        return [msgspec.json.decode(line)["message"] for line in lines]


def story(
    act: Callable[[House], Awaitable[None]],
    outputs: FakeOutputs,
    *,
    store: FakeOutboxStore | None = None,
    delivery_wait_s: float = 30,
) -> House:
    async def main() -> House:
        house = House(outputs, store or FakeOutboxStore(), delivery_wait_s)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            running = group.create_task(house.outbox.run())
            await house.settle()
            await act(house)
            await house.settle()
            running.cancel()
        return house

    return asyncio.run(main())


def test_with_a_reader_there_the_answer_is_delivered_and_the_line_is_complete() -> None:
    async def act(house: House) -> None:
        house.outputs.read("chat")
        assert await house.send("chat", "hello\nyou") == DELIVERED
        assert await house.send("chat", "again", "k-1") == DELIVERED

    house = story(act, FakeOutputs("chat"))
    assert house.outputs.lines["chat"] == [
        b'{"id":"1","ts":43200.5,"channel":"chat","message":"hello\\nyou","session":"house"}\n',
        b'{"id":"k-1","ts":43200.5,"channel":"chat","message":"again","session":"house"}\n',
    ]
    assert house.store.events == [
        {"event": "added", "channel": "chat"},
        {"event": "delivered", "channel": "chat", "id": "1"},
        {"event": "delivered", "channel": "chat", "id": "k-1"},
    ]


def test_without_a_reader_it_waits_and_the_reader_who_comes_gets_all_in_order() -> None:
    async def act(house: House) -> None:
        assert await house.send("chat", "one") == QUEUED
        assert await house.send("chat", "two", "k") == QUEUED
        assert await house.outbox.infos() == [ChannelInfo(name="chat", has_reader=False, waiting=2)]
        house.outputs.read("chat")
        await house.settle()
        assert house.read("chat") == ["one", "two"]
        assert await house.outbox.infos() == [ChannelInfo(name="chat", has_reader=True, waiting=0)]

    house = story(act, FakeOutputs("chat"))
    assert house.store.events == [
        {"event": "added", "channel": "chat"},
        {"event": "waiting", "channel": "chat", "id": "1"},
        {"event": "waiting", "channel": "chat", "id": "k"},
        {"event": "delivered", "channel": "chat", "id": "1"},
        {"event": "delivered", "channel": "chat", "id": "k"},
    ]


def test_what_waited_over_a_restart_is_delivered_and_its_channel_exists_without_a_fifo() -> None:
    async def before(house: House) -> None:
        assert await house.send("chat", "kept") == QUEUED

    async def after(house: House) -> None:
        assert await house.send("chat", "more") == QUEUED
        assert await house.outbox.infos() == [ChannelInfo(name="chat", has_reader=False, waiting=2)]
        house.outputs.readers.add("chat")
        house.outputs.add("chat")
        await house.settle()
        assert house.read("chat") == ["kept", "more"]

    store = story(before, FakeOutputs("chat")).store
    story(after, FakeOutputs(), store=store)


def test_the_same_id_twice_is_delivered_once() -> None:
    async def act(house: House) -> None:
        house.outputs.read("chat")
        assert await house.send("chat", "one", "k") == DELIVERED
        assert await house.send("chat", "one", "k") == DUPLICATE
        house.outputs.read("mail")
        assert await house.send("mail", "one", "k") == DELIVERED

    house = story(act, FakeOutputs("chat", "mail"))
    assert house.read("chat") == ["one"]


@pytest.mark.parametrize(
    "channel", ["caht", "", "../chat", "/etc/passwd", "chat/../../x", "chat\n", "CHAT", "x" * 999]
)
def test_a_channel_that_is_not_there_is_refused_with_those_that_are(channel: str) -> None:
    async def act(house: House) -> None:
        assert await house.send(channel, "hello") == SendResult(
            outcome=SendOutcome.NO_CHANNEL, names=("chat", "mail")
        )

    house = story(act, FakeOutputs("mail", "chat"))
    assert house.store.rows == []


@pytest.mark.parametrize(
    ("message", "key", "reason"),
    [
        ("", None, "the message is empty"),
        ("hello", "", "an id has 1 to 128 characters"),
        ("hello", "x" * 129, "an id has 1 to 128 characters"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(message: str, key: str | None, reason: str) -> None:
    async def act(house: House) -> None:
        assert await house.send("chat", message, key) == SendResult(
            outcome=SendOutcome.INVALID, reason=reason
        )

    assert story(act, FakeOutputs("chat")).store.rows == []


def test_a_reader_that_is_behind_does_not_hold_up_the_answer_nor_other_channels() -> None:
    async def act(house: House) -> None:
        house.outputs.read("slow")
        house.outputs.read("quick")
        house.outputs.hold("slow")
        assert await house.send("slow", "one") == BEHIND
        house.outbox._delivery_wait_s = 30
        assert await house.send("quick", "two") == DELIVERED
        house.outputs.let_go("slow")
        await house.settle()
        assert house.read("slow") == ["one"]

    story(act, FakeOutputs("slow", "quick"), delivery_wait_s=0)


def test_a_reader_that_leaves_while_the_answer_is_awaited_means_queued() -> None:
    async def act(house: House) -> None:
        house.outputs.read("chat")
        house.outputs.hold("chat")
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(house.send("chat", "one"))
            house.outputs.readers.clear()
            house.outputs.let_go("chat")
        assert sending.result() == QUEUED
        house.outputs.read("chat")
        await house.settle()
        assert house.read("chat") == ["one"]

    story(act, FakeOutputs("chat"), delivery_wait_s=0)


def test_a_delivery_that_is_quicker_than_its_own_commits_answer_counts() -> None:
    class SlowToAnswer(FakeOutboxStore):
        async def put_out(self, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
            taken = await super().put_out(channel, message, key=key, ts=ts)
            outputs.read(channel)
            for _ in range(50):
                await asyncio.sleep(0)
            assert self.done == {taken.id}
            return taken

    async def act(house: House) -> None:
        assert await house.send("chat", "one") == DELIVERED

    outputs = FakeOutputs("chat")
    story(act, outputs, store=SlowToAnswer())


def test_a_channel_that_goes_and_comes_again_is_told_and_served() -> None:
    async def act(house: House) -> None:
        house.outputs.remove("chat")
        await house.settle()
        assert (await house.send("chat", "lost")).outcome is SendOutcome.NO_CHANNEL
        house.outputs.add("chat")
        house.outputs.remove("chat")
        house.outputs.add("chat")
        house.outputs.read("chat")
        await house.settle()
        assert await house.send("chat", "here") == DELIVERED

    house = story(act, FakeOutputs("chat"))
    assert [event["event"] for event in house.store.events] == [
        "added",
        "removed",
        "added",
        "removed",
        "added",
        "delivered",
    ]


def test_the_log_tells_of_the_call_and_never_of_its_text() -> None:
    async def act(house: House) -> None:
        await house.send("chat", "geheim")
        await house.send("geheim!", "geheim")

    with capture_logs() as logs:
        story(act, FakeOutputs("chat"))
    calls = [entry for entry in logs if entry["event"] == "tool call"]
    assert calls == [
        {
            "event": "tool call",
            "channel": "chat",
            "message_chars": 6,
            "outcome": "QUEUED",
            "log_level": "info",
        },
        {
            "event": "tool call",
            "channel": "",
            "message_chars": 6,
            "outcome": "NO_CHANNEL",
            "log_level": "info",
        },
    ]
    assert "geheim" not in str(logs)
