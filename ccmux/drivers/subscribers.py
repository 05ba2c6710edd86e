"""output.sock: a Unix socket on which every subscriber gets events as JSON lines.

It owns the socket and its connections. Live events are encoded once and written to all; what a subscriber
missed is read in pages, as fast as it reads. One that lags by more than its backlog is cut off: nobody waits
for it, and it can come back with the number it was told.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ccmux.core.events import Event, EventType
from ccmux.core.subscription import Subscription, error_line, read_request

REQUEST_WAIT_S = 0.2
"""How long a new subscriber is waited for to say what it wants, before it gets what happens from now on."""

REQUEST_MAX_BYTES = 65_536

FAREWELL_S = 5.0
"""How long a subscriber that was cut off may take to read what it has coming."""

PAGE = 500
"""Events a page, at most, when a subscriber catches up."""

CONNECTIONS = 2_000
"""At once; one more is told to come back. The daemon needs its file descriptors for messages too."""

ReadPage = Callable[[int, Collection[EventType], int], Awaitable[list[Event]]]


class Subscribers:
    """The listeners on one socket. `publish` is called in the loop with the events of each commit."""

    def __init__(
        self,
        path: Path,
        *,
        backlog_bytes: int,
        read_page: ReadPage,
        last_seq: int,
        connections: int = CONNECTIONS,
    ) -> None:
        """Know where to listen; `read_page(since, types, limit)` reads the event log, empty at its end."""
        self._path = path
        self._backlog_bytes = backlog_bytes
        self._read_page = read_page
        self._last_seq = last_seq
        self._connections = connections
        self._inode = -1
        self._live: set[_Subscriber] = set()
        self._connected: set[_Subscriber] = set()

    @property
    def count(self) -> int:
        """How many follow live now."""
        return len(self._live)

    def in_place(self) -> bool:
        """Tell whether the socket file is still the one that `listening` made."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen inside this context; at its end the socket is gone and every subscriber is let go."""
        _remove_stale(self._path)
        old_mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(
                self._serve, path=self._path, limit=REQUEST_MAX_BYTES, backlog=1024
            )
        finally:
            os.umask(old_mask)
        self._inode = self._path.stat().st_ino
        try:
            async with server:
                yield
        finally:
            for subscriber in tuple(self._connected):
                subscriber.drop()
            if self.in_place():
                self._path.unlink()

    def publish(self, events: Sequence[Event]) -> None:
        """Write events to everyone who follows live."""
        self._last_seq = events[-1].seq
        for subscriber in tuple(self._live):
            if not subscriber.offer(events):
                self._live.discard(subscriber)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subscriber = _Subscriber(writer, self._backlog_bytes, seq=self._last_seq)
        if len(self._connected) >= self._connections:
            subscriber.say_goodbye(error_line(f"{self._connections} subscribers are connected; close some"))
            return
        self._connected.add(subscriber)
        try:
            try:
                async with asyncio.timeout(REQUEST_WAIT_S):
                    line = await reader.readline()
            except TimeoutError:
                await self._catch_up(subscriber, Subscription())
                line = await reader.readline()
            while line:
                wish = read_request(line)
                if isinstance(wish, str):
                    subscriber.say_goodbye(error_line(wish))
                    return
                self._live.discard(subscriber)
                await self._catch_up(subscriber, wish)
                line = await reader.readline()
            if subscriber not in self._live:
                await self._catch_up(subscriber, Subscription())
            await subscriber.gone()  # an end of its writing only: it may go on reading
        except ConnectionError:
            pass
        except ValueError:
            subscriber.say_goodbye(error_line(f"a request has at most {REQUEST_MAX_BYTES} bytes"))
        finally:
            self._live.discard(subscriber)
            self._connected.discard(subscriber)
            subscriber.let_go()

    async def _catch_up(self, subscriber: _Subscriber, wish: Subscription) -> None:
        """Send what was missed, then join the live ones at the moment nothing is missing."""
        subscriber.types = wish.types
        if wish.since is not None:
            subscriber.seq = wish.since
        while subscriber.seq < self._last_seq:
            until = self._last_seq
            page = await self._read_page(subscriber.seq, wish.types, PAGE)
            subscriber.write(page)
            if not page:
                subscriber.seq = max(subscriber.seq, until)
            await subscriber.drain()
        self._live.add(subscriber)


class _Subscriber:
    """One connection. `seq`: everything up to it has been written."""

    def __init__(self, writer: asyncio.StreamWriter, backlog_bytes: int, *, seq: int) -> None:
        self.seq = seq
        self.types: frozenset[EventType] = frozenset()
        self._writer = writer
        self._backlog_bytes = backlog_bytes

    def write(self, events: Sequence[Event]) -> None:
        new = [event for event in events if event.seq > self.seq]
        wanted = [event.line for event in new if not self.types or event.type in self.types]
        if wanted:
            self._writer.write(b"".join(wanted))
        if new:
            self.seq = new[-1].seq

    def offer(self, events: Sequence[Event]) -> bool:
        """Write live events; False if the subscriber lags too much and was cut off."""
        if self._writer.transport.get_write_buffer_size() > self._backlog_bytes:
            self.say_goodbye(error_line("too slow", resume_since=self.seq))
            return False
        self.write(events)
        return True

    async def drain(self) -> None:
        await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the other side has closed altogether, which nothing tells but the kernel's hang-up."""
        loop = asyncio.get_running_loop()
        with select.epoll() as hang_up:
            if not self._writer.is_closing():
                hang_up.register(self._writer.get_extra_info("socket").fileno(), 0)
            loop.add_reader(hang_up.fileno(), self.drop)
            try:
                await self._writer.wait_closed()
            finally:
                loop.remove_reader(hang_up.fileno())

    def say_goodbye(self, line: bytes) -> None:
        self._writer.write(line)
        self.let_go()

    def let_go(self) -> None:
        """Close after what is buffered; whoever does not read it in time is dropped."""
        if not self._writer.is_closing():
            self._writer.close()
            asyncio.get_running_loop().call_later(FAREWELL_S, self.drop)

    def drop(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()


def _remove_stale(path: Path) -> None:
    """Remove a socket that an earlier daemon left; anything else of that name makes bind() fail, rightly."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
