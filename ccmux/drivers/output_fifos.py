"""Acts on the `out.<channel>` FIFOs in the runtime directory: finds them, knows their readers, writes lines.

It never makes or removes one: adapters do. It never keeps a message: the outbox does.

One write end is held open per FIFO (pipe(7), fifo(7)). So a reader's open(2) returns at once and is heard of
as IN_OPEN; `poll` tells POLLERR on our end while nobody reads; what a reader left unread waits for the next
one. A reader therefore never sees the end of the file, which is right for an adapter: it reads on.
(Measured on Linux 6.18, see tests/drivers/test_output_fifos.py.)
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import select
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import structlog

from ccmux.core.channel import output_channel
from ccmux.core.fifo import reason_against
from ccmux.ports import FileChange, FileEvent, FileEvents, OutputChange

_WANTED = FileChange.APPEARED | FileChange.VANISHED | FileChange.OPENED

_AGAIN_S = 0.1

log = structlog.get_logger()


class OutputFifos:
    """The port `Outputs` on real FIFOs."""

    def __init__(self, runtime_dir: Path, files: FileEvents) -> None:
        self._dir = runtime_dir
        self._files = files
        self._fifos: dict[str, _Fifo] = {}
        self._refused: dict[str, tuple[int, int]] = {}
        self._tell: Callable[[str, OutputChange], None] = _tell_nobody
        self._watch = ExitStack()
        self._again: asyncio.TimerHandle | None = None

    @contextmanager
    def watch(self, callback: Callable[[str, OutputChange], None]) -> Iterator[None]:
        """Find FIFOs as they come and go; see the port."""
        self._tell = callback
        try:
            self._begin()
            yield
        finally:
            self._tell = _tell_nobody
            self._watch.close()
            if self._again is not None:
                self._again.cancel()
            for channel in list(self._fifos):
                self._lose(channel)

    def channels(self) -> frozenset[str]:
        """Return the channels that have a FIFO now."""
        return frozenset(self._fifos)

    def has_reader(self, channel: str) -> bool:
        """Tell whether somebody has the channel's FIFO open for reading now."""
        fifo = self._fifos.get(channel)
        return fifo is not None and fifo.has_reader()

    async def write_line(self, channel: str, data: bytes) -> bool:
        """Write a whole line or nothing; see the port."""
        fifo = self._fifos.get(channel)
        return fifo is not None and await fifo.write_line(data)

    def _begin(self) -> None:
        """Watch the directory; one that was deleted is watched again once its owner has made it again."""
        self._watch.close()
        self._again = None
        try:
            self._watch.enter_context(self._files.watch(str(self._dir), _WANTED, self._changed))
        except FileNotFoundError:
            self._again = asyncio.get_running_loop().call_later(_AGAIN_S, self._begin)
        self._look_at_all()

    def _changed(self, event: FileEvent) -> None:
        if event.change & (FileChange.OVERFLOWED | FileChange.SELF_GONE):
            self._begin()
            return
        channel = output_channel(event.name)
        if channel is None:
            return
        if event.change & (FileChange.APPEARED | FileChange.VANISHED):
            self._look_at(channel)
        elif self.has_reader(channel):
            self._tell(channel, OutputChange.READER)

    def _look_at_all(self) -> None:
        try:
            names = [entry.name for entry in self._dir.iterdir()]
        except OSError:
            names = []  # the directory itself is gone, and with it every FIFO
        found = {channel for name in names if (channel := output_channel(name)) is not None}
        for channel in sorted(found | set(self._fifos)):
            self._look_at(channel)

    def _look_at(self, channel: str) -> None:
        """Make what we hold agree with what lies there now."""
        path = self._dir / f"out.{channel}"
        try:
            # O_PATH opens nothing of what lies there: no side effect on a device or another's FIFO.
            place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            self._refused.pop(channel, None)
            self._lose(channel)
            return
        try:
            seen = os.fstat(place)
            identity = (seen.st_dev, seen.st_ino)
            known = self._fifos.get(channel)
            if known is not None and known.identity == identity:
                return
            self._lose(channel)
            reason = reason_against(seen.st_mode, seen.st_uid, our_uid=os.geteuid())
            if reason:
                self._refuse(channel, identity, reason)
                return
            self._fifos[channel] = _Fifo(f"/proc/self/fd/{place}", identity)
        except OSError as error:
            self._refuse(channel, identity, error.strerror or "cannot be opened")
            return
        finally:
            os.close(place)
        self._refused.pop(channel, None)
        self._tell(channel, OutputChange.ADDED)

    def _lose(self, channel: str) -> None:
        fifo = self._fifos.pop(channel, None)
        if fifo is not None:
            fifo.close()
            self._tell(channel, OutputChange.REMOVED)

    def _refuse(self, channel: str, identity: tuple[int, int], reason: str) -> None:
        if self._refused.get(channel) != identity:
            self._refused[channel] = identity
            log.warning("output refused", channel=channel, reason=reason)


class _Fifo:
    """Our write end of one FIFO. `identity` is device and inode: a FIFO made again is another one."""

    def __init__(self, path: str, identity: tuple[int, int]) -> None:
        self.identity = identity
        self._end = -1
        self._room: asyncio.Future[None] | None = None
        self._leads_with_newline = False
        self._hold(path)

    def _hold(self, path: str) -> None:
        # For writing alone it opens only while somebody reads (ENXIO): so we read ourselves, for a moment.
        both = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._end = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(both)

    def has_reader(self) -> bool:
        poll = select.poll()
        poll.register(self._end, 0)
        return not poll.poll(0)

    async def write_line(self, data: bytes) -> bool:
        rest = memoryview(b"\n" + data if self._leads_with_newline else data)
        whole_bytes = len(rest)
        try:
            while rest:
                try:
                    written = os.write(self._end, rest)
                except BlockingIOError:
                    await self._has_room()
                    if self._end < 0:
                        return False
                    continue
                rest = rest[written:]
        except BrokenPipeError:
            return False
        else:
            self._leads_with_newline = False
            return True
        finally:
            if self._end >= 0 and 0 < len(rest) < whole_bytes:
                self._clear()

    async def _has_room(self) -> None:
        """Wait until the pipe takes more, the reader left, or the FIFO was closed."""
        loop = asyncio.get_running_loop()
        end = self._end
        self._room = loop.create_future()
        loop.add_writer(end, _settle, self._room)
        try:
            await self._room
        finally:
            self._room = None
            if self._end == end:
                loop.remove_writer(end)

    def _clear(self) -> None:
        """Throw away the piece of a line that a reader left in the pipe.

        The kernel does so when both ends are closed. If another reader has come in between it may have got
        the piece; then an empty line goes ahead of the next line, which so stays whole.
        """
        end, self._end = self._end, -1
        place = os.open(f"/proc/self/fd/{end}", os.O_PATH | os.O_CLOEXEC)
        try:
            os.close(end)
            self._hold(f"/proc/self/fd/{place}")
        finally:
            os.close(place)
        self._leads_with_newline = self.has_reader() or _unread_bytes(self._end) > 0

    def close(self) -> None:
        end, self._end = self._end, -1
        if self._room is not None:
            asyncio.get_running_loop().remove_writer(end)
            _settle(self._room)
        if end >= 0:
            os.close(end)


def _settle(future: asyncio.Future[None]) -> None:
    with suppress(asyncio.InvalidStateError):
        future.set_result(None)


def _unread_bytes(end: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(end, termios.FIONREAD, count)
    return count[0]


def _tell_nobody(_channel: str, _change: OutputChange) -> None:
    """Stand in for a listener outside of `watch`."""
