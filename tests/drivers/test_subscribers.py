"""output.sock on a real socket: who follows gets everything once, who lags slows nobody."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from ccmux.core.events import Draft, Event, EventType, encode
from ccmux.drivers.subscribers import Subscribers

PAGE_BYTES = 100_000


class EventLog:
    """The event log in memory, and the socket that tells of it."""

    def __init__(self, path: Path, backlog_bytes: int) -> None:
        self.events: list[Event] = []
        self.path = path
        self.socket = Subscribers(path, backlog_bytes=backlog_bytes, read_page=self.read_page, last_seq=0)

    async def read_page(self, since: int, types: Collection[EventType], limit: int) -> list[Event]:
        await asyncio.sleep(0)  # a real log is read in another thread: live events come in between
        page = [e for e in self.events if e.seq > since and (not types or e.type in types)][:limit]
        sizes = accumulate(len(event.line) for event in page)
        return [e for e, size in zip(page, sizes, strict=True) if e is page[0] or size < PAGE_BYTES]

    def happen(self, count: int = 1, *, type_: EventType = EventType.TURN, text: str = "") -> None:
        first = len(self.events) + 1
        new = [
            encode(Draft(type=type_, fields={"turn": text}), seq=seq, ts=0.0, session="demo")
            for seq in range(first, first + count)
        ]
        self.events += new
        if new:
            self.socket.publish(new)

    async def until_following(self, count: int) -> None:
        while self.socket.count != count:  # noqa: ASYNC110 - nothing tells; the test's time limit bounds it
            await asyncio.sleep(0.001)


class Reader:
    """A subscriber."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def next(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(await self.reader.readline())
        return decoded

    async def seqs(self, count: int) -> list[int]:
        return [(await self.next())["seq"] for _ in range(count)]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@asynccontextmanager
async def following(log: EventLog, *, asks: Any = None) -> AsyncIterator[Reader]:
    reader, writer = await asyncio.open_unix_connection(log.path, limit=2**26)
    subscriber = Reader(reader, writer)
    if asks is not None:
        writer.write(asks if isinstance(asks, bytes) else json.dumps(asks).encode() + b"\n")
    try:
        yield subscriber
    finally:
        await subscriber.close()


def run(tmp_path: Path, story: Callable[[EventLog], Awaitable[None]], *, backlog_bytes: int = 2**20) -> None:
    async def told() -> None:
        log = EventLog(tmp_path / "output.sock", backlog_bytes)
        async with log.socket.listening():
            await story(log)
        assert not log.path.exists()

    asyncio.run(told())


def test_a_silent_subscriber_gets_what_happens_from_its_connection_on(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        log.happen(3)
        async with following(log) as subscriber:
            await log.until_following(1)
            log.happen(2)
            assert await subscriber.seqs(2) == [4, 5]

    run(tmp_path, story)


@pytest.mark.parametrize("history", [0, 3, 1_234])
def test_one_that_missed_something_gets_it_first_and_nothing_twice(tmp_path: Path, history: int) -> None:
    async def story(log: EventLog) -> None:
        log.happen(history)
        async with following(log, asks={"since": 1}) as subscriber:
            for _ in range(20):
                log.happen(5)
                await asyncio.sleep(0)
            last = history + 100
            assert await subscriber.seqs(last - 1) == list(range(2, last + 1))

    run(tmp_path, story)


def test_types_are_chosen(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        log.happen(2)
        log.happen(1, type_=EventType.STATE)
        async with following(log, asks={"since": 0, "types": ["state"]}) as subscriber:
            assert (await subscriber.next())["seq"] == 3
            log.happen(1)
            log.happen(1, type_=EventType.STATE)
            assert (await subscriber.next())["seq"] == 5

    run(tmp_path, story)


def test_a_wish_may_come_late(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        log.happen(2)
        async with following(log) as subscriber:
            await log.until_following(1)
            subscriber.writer.write(b'{"since": 0}\n')
            assert await subscriber.seqs(2) == [1, 2]
            log.happen(1)
            assert await subscriber.seqs(1) == [3]

    run(tmp_path, story)


@pytest.mark.parametrize("asks", [b"GET / HTTP/1.1\r\n", b'{"types": ["x"]}\n', b"\xff\n", b"x" * 100_000])
def test_garbage_is_answered_and_let_go(tmp_path: Path, asks: bytes) -> None:
    async def story(log: EventLog) -> None:
        async with following(log, asks=asks) as subscriber:
            assert (await subscriber.next())["type"] == "error"
            assert await subscriber.reader.read() == b""

    run(tmp_path, story)


def test_one_that_never_reads_is_cut_off_and_slows_nobody(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        with socket.socket(socket.AF_UNIX) as stalled:
            stalled.connect(str(log.path))
            async with following(log) as quick:
                await log.until_following(2)
                big = "x" * 100_000
                for n in range(100):
                    log.happen(1, text=big)
                    assert (await quick.next())["seq"] == n + 1
                assert log.socket.count == 1
            stalled.setblocking(False)
            lines = (await _read_to_end(stalled)).splitlines()
            goodbye = json.loads(lines[-1])
            assert goodbye["error"] == "too slow"
            assert goodbye["resume_since"] == json.loads(lines[-2])["seq"] == len(lines) - 1

    run(tmp_path, story)


async def _read_to_end(stalled: socket.socket) -> bytes:
    read = bytearray()
    while piece := await asyncio.get_running_loop().sock_recv(stalled, 2**20):
        read += piece
    return bytes(read)


def test_a_subscriber_that_stops_writing_may_go_on_reading(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        async with following(log, asks={"since": 0}) as subscriber:
            subscriber.writer.write_eof()
            await log.until_following(1)
            log.happen(1)
            assert await subscriber.seqs(1) == [1]

    run(tmp_path, story)


def test_one_that_left_is_forgotten(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        async with following(log):
            await log.until_following(1)
        log.happen(1)
        log.happen(1)
        await log.until_following(0)

    run(tmp_path, story)


def test_hundreds_of_subscribers_get_the_same(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        connections = [await asyncio.open_unix_connection(log.path) for _ in range(300)]
        await log.until_following(300)
        log.happen(1)
        lines = {await reader.readline() for reader, _ in connections}
        assert len(lines) == 1
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()

    run(tmp_path, story)


def test_the_socket_is_the_owners_and_replaces_only_a_socket(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        assert stat.S_IMODE(log.path.stat().st_mode) == 0o600

    run(tmp_path, story)
    (tmp_path / "output.sock").write_text("mine")
    with pytest.raises(OSError):
        run(tmp_path, story)
    assert (tmp_path / "output.sock").read_text() == "mine"


def test_its_end_does_not_wait_for_anybody(tmp_path: Path) -> None:
    async def story() -> list[asyncio.StreamWriter]:
        log = EventLog(tmp_path / "output.sock", 2**20)
        async with log.socket.listening():
            writers = [(await asyncio.open_unix_connection(log.path))[1] for _ in range(3)]
            await log.until_following(3)
        for writer in writers:
            writer.close()
        return writers

    assert len(asyncio.run(story())) == 3


# ---------------------------------------------------------------------------- many, and of ill will


def test_a_thousand_that_never_read_ask_or_finish_slow_nobody(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        log.happen(20, text="x" * 1_000)
        hostile: list[socket.socket] = []
        for number in range(1_000):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            client.connect(str(log.path))
            with suppress(BrokenPipeError):  # it has read nothing and does not mind being cut off
                client.send((b'{"since": 0}\n', b'{"since"', b"\x00\xff garbage\n", b"")[number % 4])
            hostile.append(client)
            if number % 50 == 0:
                await asyncio.sleep(0)  # its backlog is as long as the kernel lets it be
        try:
            async with following(log, asks={"since": 0}) as reader:
                assert await reader.seqs(20) == list(range(1, 21))
                for _ in range(20):
                    log.happen(5, text="y" * 20_000)
                    await reader.seqs(5)
                held = sum(s._writer.transport.get_write_buffer_size() for s in log.socket._connected)
                assert held < 1_001 * (BACKLOG + PAGE_BYTES + 100_000)
                assert log.socket.count < 1_001
        finally:
            for client in hostile:
                client.close()

    run(tmp_path, story, backlog_bytes=BACKLOG)


BACKLOG = 50_000


def test_one_that_left_is_forgotten_also_where_nothing_happens(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        async with following(log, asks={}):
            await log.until_following(1)
        await log.until_following(0)
        async with following(log, asks={}) as half:
            await log.until_following(1)
            half.writer.write_eof()
            log.happen()
            assert await half.seqs(1) == [1]
        await log.until_following(0)

    run(tmp_path, story)


def test_one_connection_too_many_is_told_so_and_a_free_place_is_used_again(tmp_path: Path) -> None:
    async def story(log: EventLog) -> None:
        log.socket._connections = 2
        async with following(log, asks={}) as first, following(log, asks={}):
            await log.until_following(2)
            async with following(log) as third:
                assert "2 subscribers are connected" in (await third.next())["error"]
                assert await third.reader.read() == b""
            await first.close()
            await log.until_following(1)
            async with following(log, asks={}):
                await log.until_following(2)

    run(tmp_path, story)


def test_large_events_are_caught_up_in_small_pages(tmp_path: Path) -> None:
    """A page may hold fewer events than were asked for; only an empty one is the end."""

    async def story(log: EventLog) -> None:
        log.happen(7)
        whole = log.read_page

        async def small(since: int, types: Collection[EventType], limit: int) -> list[Event]:
            return (await whole(since, types, limit))[:2]

        log.socket._read_page = small
        async with following(log, asks={"since": 1}) as reader:
            assert await reader.seqs(6) == list(range(2, 8))
            await log.until_following(1)
            log.happen()
            assert await reader.seqs(1) == [8]

    run(tmp_path, story)
