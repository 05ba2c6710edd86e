"""Owns what Claude sends to channels, from the tool call until a reader's pipe holds the line.

On disk before the tool answers; delivered in order, once, whenever a reader is there. Each channel has a task
of its own, so a reader that is slow or gone holds up nobody else. It never logs a message's text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NoReturn

import structlog

from ccmux.core.channel import is_channel
from ccmux.core.events import Draft, EventType
from ccmux.core.failpoints import Point
from ccmux.core.outgoing import line
from ccmux.ports import (
    ChannelInfo,
    Clock,
    OutputChange,
    Outputs,
    Reached,
    SendOutcome,
    SendResult,
    Store,
    go_on,
)

MAX_KEY_CHARS = 128
DELIVERY_WAIT_S = 1.0

log = structlog.get_logger()


class Outbox:
    """The port `Channels`, and the tasks that deliver."""

    name = "outbox"

    def __init__(
        self,
        *,
        store: Store,
        outputs: Outputs,
        clock: Clock,
        delivery_wait_s: float = DELIVERY_WAIT_S,
        reached: Reached = go_on,
    ) -> None:
        self._store = store
        self._outputs = outputs
        self._clock = clock
        self._delivery_wait_s = delivery_wait_s
        self._reached = reached
        self._wakes: dict[str, asyncio.Event] = {}
        """One per running delivery task: set means look again."""
        self._awaited: dict[int, asyncio.Future[None]] = {}
        """Tool calls that wait for their message's delivery, by its number."""
        self._delivered_to: dict[str, int] = {}
        """The newest delivered message of each channel since the start."""

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        changes: asyncio.Queue[tuple[str, OutputChange]] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            with self._outputs.watch(lambda channel, change: changes.put_nowait((channel, change))):
                while True:
                    channel, change = await changes.get()
                    if change is not OutputChange.READER:
                        fields = {"event": change.name.lower(), "channel": channel}
                        await self._store.record(Draft(type=EventType.CHANNEL, fields=fields))
                        log.info("output channel changed", channel=channel, change=fields["event"])
                    self._wake(channel, group)

    async def send(self, channel: str, message: str, *, key: str | None) -> SendResult:
        """Take a message for a channel; see the port."""
        result = await self._send(channel, message, key)
        log.info(
            "tool call",
            channel=channel if is_channel(channel) else "",
            message_chars=len(message),
            outcome=result.outcome.name,
        )
        return result

    async def infos(self) -> Sequence[ChannelInfo]:
        """Return every channel that has a FIFO or waiting messages, by name."""
        waiting = await self._store.out_waiting()
        return [
            ChannelInfo(name=name, has_reader=self._outputs.has_reader(name), waiting=waiting.get(name, 0))
            for name in sorted(self._outputs.channels() | waiting.keys())
        ]

    async def _send(self, channel: str, message: str, key: str | None) -> SendResult:
        reason = _reason_against(message, key)
        if reason:
            return SendResult(outcome=SendOutcome.INVALID, reason=reason)
        if channel not in self._outputs.channels():
            names = tuple(info.name for info in await self.infos())
            if channel not in names:
                return SendResult(outcome=SendOutcome.NO_CHANNEL, names=names)
        taken = await self._store.put_out(channel, message, key=key, ts=self._clock.now())
        self._reached(Point.OUTBOX_WRITTEN)
        if taken.duplicate:
            return SendResult(outcome=SendOutcome.DUPLICATE)
        if await self._delivered_soon(channel, taken.id):
            return SendResult(outcome=SendOutcome.DELIVERED)
        if self._outputs.has_reader(channel):
            return SendResult(outcome=SendOutcome.BEHIND)
        fields = {"event": "waiting", "channel": channel, "id": key or str(taken.id)}
        await self._store.record(Draft(type=EventType.CHANNEL, fields=fields))
        return SendResult(outcome=SendOutcome.QUEUED)

    async def _delivered_soon(self, channel: str, out_id: int) -> bool:
        """Wake the channel's task and, if somebody reads, wait a moment for this message's delivery."""
        wake = self._wakes.get(channel)
        if wake is None or not self._outputs.has_reader(channel):
            return False
        wake.set()
        if self._delivered_to.get(channel, 0) >= out_id:
            return True  # the task was at work already and came to it before us
        delivered = self._awaited[out_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._delivery_wait_s):
                await delivered
        except TimeoutError:
            return False
        else:
            return True
        finally:
            del self._awaited[out_id]

    def _wake(self, channel: str, group: asyncio.TaskGroup) -> None:
        if channel in self._wakes:
            self._wakes[channel].set()
        elif channel in self._outputs.channels():
            self._wakes[channel] = asyncio.Event()
            group.create_task(self._deliver(channel, self._wakes[channel]), name=f"out.{channel}")

    async def _deliver(self, channel: str, wake: asyncio.Event) -> None:
        """Deliver as long as the channel has a FIFO."""
        try:
            while channel in self._outputs.channels():
                wake.clear()
                while await self._deliver_next(channel):
                    pass
                await wake.wait()
        finally:
            del self._wakes[channel]

    async def _deliver_next(self, channel: str) -> bool:
        outgoing = await self._store.next_out(channel)
        if outgoing is None or not await self._outputs.write_line(channel, line(outgoing)):
            return False
        self._reached(Point.DELIVERED)
        await self._store.delivered(outgoing.id)
        self._delivered_to[channel] = outgoing.id
        if outgoing.id in self._awaited and not self._awaited[outgoing.id].done():
            self._awaited[outgoing.id].set_result(None)
        return True


def _reason_against(message: str, key: str | None) -> str:
    if not message:
        return "the message is empty"
    if key is not None and not 0 < len(key) <= MAX_KEY_CHARS:
        return f"an id has 1 to {MAX_KEY_CHARS} characters"
    return ""
