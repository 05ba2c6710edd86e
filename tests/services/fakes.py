"""Doubles of the ports, in memory, for the services' tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ccmux.core.events import Draft, EventType
from ccmux.core.outgoing import Outgoing
from ccmux.ports import OutputChange, Taken


class FakeOutboxStore:
    """The store's outbox, in memory. `events` are the `channel` events that a subscriber would get."""

    def __init__(self) -> None:
        self.rows: list[Outgoing] = []
        self.done: set[int] = set()
        self.events: list[dict[str, Any]] = []

    async def put_out(self, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
        for row in self.rows:
            if key is not None and (row.channel, row.key) == (channel, key):
                return Taken(row.id, duplicate=True)
        number = len(self.rows) + 1
        self.rows.append(
            Outgoing(id=number, key=key, ts=ts, channel=channel, message=message, session="house")
        )
        await asyncio.sleep(0)
        return Taken(number)

    async def next_out(self, channel: str) -> Outgoing | None:
        await asyncio.sleep(0)
        return next((row for row in self.rows if row.channel == channel and row.id not in self.done), None)

    async def delivered(self, out_id: int) -> None:
        await asyncio.sleep(0)
        self.done.add(out_id)
        row = self.rows[out_id - 1]
        self.events.append({"event": "delivered", "channel": row.channel, "id": row.key or str(out_id)})

    async def out_waiting(self) -> dict[str, int]:
        return dict(Counter(row.channel for row in self.rows if row.id not in self.done))

    async def record(self, draft: Draft) -> None:
        assert draft.type is EventType.CHANNEL
        self.events.append(dict(draft.fields))


class FakeOutputs:
    """The port Outputs in memory: `readers` are who reads, `lines` what they got.

    `held` channels have a reader that takes nothing until `let_go`.
    """

    def __init__(self, *channels: str) -> None:
        self.lines: dict[str, list[bytes]] = {}
        self.readers: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self._channels = set(channels)
        self._tell: Callable[[str, OutputChange], None] = lambda _channel, _change: None

    @contextmanager
    def watch(self, callback: Callable[[str, OutputChange], None]) -> Iterator[None]:
        self._tell = callback
        for channel in sorted(self._channels):
            callback(channel, OutputChange.ADDED)
        yield

    def add(self, channel: str) -> None:
        self._channels.add(channel)
        self._tell(channel, OutputChange.ADDED)

    def remove(self, channel: str) -> None:
        self._channels.discard(channel)
        self.readers.discard(channel)
        self._tell(channel, OutputChange.REMOVED)

    def read(self, channel: str) -> None:
        self.readers.add(channel)
        self._tell(channel, OutputChange.READER)

    def hold(self, channel: str) -> None:
        self.held[channel] = asyncio.Event()

    def let_go(self, channel: str) -> None:
        self.held.pop(channel).set()

    def channels(self) -> frozenset[str]:
        return frozenset(self._channels)

    def has_reader(self, channel: str) -> bool:
        return channel in self.readers

    async def write_line(self, channel: str, data: bytes) -> bool:
        if channel in self.held and channel in self.readers:
            await self.held[channel].wait()
        if channel not in self.readers:
            return False
        self.lines.setdefault(channel, []).append(data)
        return True
