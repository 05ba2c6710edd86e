"""Doubles of the ports, in memory, for the services' tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ccmux.core.errors import StoreFailed
from ccmux.core.events import Draft, EventType
from ccmux.core.messages import FOLLOWS, OPEN_STATES, Incoming, Message, MessageState, Rejected
from ccmux.core.outgoing import Outgoing
from ccmux.ports import (
    NOTHING_READ,
    ExpectedPrompt,
    FinishedTurn,
    HostedSession,
    OutputChange,
    ReadTo,
    Taken,
)


class FakeMessageStore:
    """The store's way in, in memory: `rows` by number, each commit's size in `commits`.

    `failing` makes every commit fail; `held` makes it wait until it is set; `begun` is set by each.
    All rows wait for Claude but those in `proved`.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Incoming | Rejected] = {}
        self.read_to: dict[str, ReadTo] = {}
        self.commits: list[int] = []
        self.proved: set[int] = set()
        self.failures = 0
        self.failing = False
        self.passes = True
        self.begun = asyncio.Event()
        self.held: asyncio.Event | None = None

    async def doors_read_to(self) -> dict[str, ReadTo]:
        return dict(self.read_to)

    async def take_in(
        self, batch: Sequence[Incoming | Rejected], *, read_to: Mapping[str, ReadTo] = NOTHING_READ
    ) -> list[Taken]:
        self.begun.set()
        if self.held is not None:
            await self.held.wait()
        if self.failing:
            self.failures += 1
            raise StoreFailed("fake.db", "disk is full", "free some space", passes=self.passes)
        self.commits.append(len(batch))
        self.read_to.update(read_to)
        return [self._take(one) for one in batch]

    def _take(self, one: Incoming | Rejected) -> Taken:
        if isinstance(one, Incoming) and one.key is not None:
            for number, row in self.rows.items():
                if isinstance(row, Incoming) and (row.channel, row.key) == (one.channel, one.key):
                    return Taken(number, duplicate=True)
        if isinstance(one, Incoming) and one.unless_waiting is not None:
            named = (one.channel, one.unless_waiting)
            for number, row in self.rows.items():
                if not isinstance(row, Incoming) or number in self.proved:
                    continue
                if (row.channel, row.unless_waiting) == named:
                    return Taken(number, skipped=True)
        number = len(self.rows) + 1
        self.rows[number] = one
        return Taken(number)


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


class FakeTurnStore:
    """The store's turns, hosted session and typed messages, in memory.

    `dies_before` names a method: its next call raises `Killed` and leaves everything as it was.
    """

    def __init__(self, hosted: HostedSession | None = None) -> None:
        self.session = hosted
        self.turns: list[FinishedTurn] = []
        self.typed: dict[int, ExpectedPrompt] = {}
        self.states: dict[int, tuple[MessageState, str | None]] = {}
        self.dies_before = ""

    def type(self, number: int, body: str, *, lead: str = "", prompt_id: str | None = None) -> None:
        """Put a message into `submitted`, or `typing` without a prompt id."""
        self.typed[number] = ExpectedPrompt(ids=(number,), lead=lead, body=body)
        state = MessageState.TYPING if prompt_id is None else MessageState.SUBMITTED
        self.states[number] = (state, prompt_id)

    async def hosted(self) -> HostedSession | None:
        await self._step("hosted")
        return self.session

    async def host(self, session: HostedSession) -> None:
        await self._step("host")
        self.session = session

    async def finish_turn(self, turn: FinishedTurn) -> bool:
        await self._step("finish_turn")
        names = [(old.session_id, old.prompt_id) for old in self.turns]
        if self.session is not None and self.session.session_id == turn.session_id:
            offset = max(self.session.offset, turn.resume_offset)
            self.session = replace(self.session, offset=offset, spoken=True)
        if (turn.session_id, turn.prompt_id) in names:
            return False
        self.turns.append(turn)
        for number, (state, prompt_id) in self.states.items():
            if prompt_id == turn.prompt_id and state in OPEN_STATES:
                self.states[number] = (MessageState.ANSWERED, prompt_id)
        return True

    async def expected(self) -> list[ExpectedPrompt]:
        await self._step("expected")
        unproved = {MessageState.TYPING, MessageState.SUBMITTED, MessageState.UNCERTAIN}
        return [typed for number, typed in self.typed.items() if self.states[number][0] in unproved]

    async def in_flight(self) -> list[Message]:
        await self._step("in_flight")
        return [
            Message(
                id=number,
                channel="default",
                content="",
                ts=0.0,
                key=None,
                meta={},
                attachments=(),
                state=state,
                prompt_id=prompt_id,
            )
            for number, (state, prompt_id) in self.states.items()
            if state in OPEN_STATES
        ]

    async def move(
        self, ids: Collection[int], state: MessageState, *, reason: str = "", prompt_id: str | None = None
    ) -> None:
        await self._step("move")
        for number in ids:
            if state in FOLLOWS[self.states[number][0]]:
                self.states[number] = (state, prompt_id or self.states[number][1])

    async def _step(self, name: str) -> None:
        await asyncio.sleep(0)
        if name == self.dies_before:
            self.dies_before = ""
            raise Killed


class Killed(BaseException):
    """kill -9, as far as a test can."""


class FakeTail:
    """The port LineTail over files in memory; `opened` tells who began where, `pause_s` slows it down."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.opened: list[tuple[str, int]] = []
        self.pause_s = 0.0
        self._grew = asyncio.Event()

    def append(self, path: str, *lines: bytes) -> None:
        self.files[path] = self.files.get(path, b"") + b"".join(line + b"\n" for line in lines)
        self._grew.set()

    async def lines(self, path: str, offset: int) -> AsyncGenerator[list[tuple[int, bytes]], None]:
        self.opened.append((path, offset))
        while True:
            self._grew.clear()
            whole = self.files.get(path, b"")
            while offset < len(whole):
                end = whole.index(b"\n", offset)
                line, offset = whole[offset:end], end + 1
                await asyncio.sleep(self.pause_s)
                yield [(offset, line)]
            yield []
            await self._grew.wait()


class FakeClock:
    """Wall time that runs with the loop's, from `start` (epoch seconds) on."""

    def __init__(self, start: float = 0.0) -> None:
        self.start = start

    def now(self) -> float:
        return self.start + asyncio.get_running_loop().time()

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts, tz=UTC)

    def hhmm(self, ts: float) -> str:
        return self.local(ts).strftime("%H:%M")
