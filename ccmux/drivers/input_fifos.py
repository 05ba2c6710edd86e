"""Acts on the `in` and `in.<channel>` FIFOs of the runtime directory: finds them, reads them, makes `in`.

It never looks at what it reads, and reads a door again only when its last chunk is on disk: meanwhile writers
fill the pipe and then block. It touches nothing that is not a FIFO of ours: that is refused, once said, left.
A FIFO that is open to others (mkfifo makes 0644) is taken and closed to them: 0600.

A door is opened for reading and writing, so that it never reaches the end of the file (fifo(7)).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from ccmux.core.channel import input_channel
from ccmux.core.errors import CcmuxError
from ccmux.ports import FileChange, FileEvent, FileEvents, InputChunk

PARTIAL_QUIET_S = 1.0
"""A writer closed in the middle of a line, and so long nothing more came: the line is whole."""

PIPE_BYTES = 1_048_576
"""Size of a door's pipe (F_SETPIPE_SZ), the most an unprivileged user may ask for, and of one read."""

_DEFAULT_DOOR = "in"
_WANTED = FileChange.APPEARED | FileChange.VANISHED | FileChange.CLOSED
_READ_WRITE = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Door:
    name: str
    channel: str
    fd: int
    inode: tuple[int, int]
    resting: bool = False
    """Its last chunk is not on disk yet."""
    closed: bool = False
    """A writer closed it since it was last read."""
    mid_line: bool = False
    timer: asyncio.TimerHandle | None = None


class InputFifos:
    """The port Inputs on real FIFOs."""

    def __init__(
        self,
        directory: Path,
        files: FileEvents,
        *,
        restore: Callable[[], None],
        quiet_s: float = PARTIAL_QUIET_S,
    ) -> None:
        """Take the directory's path and what makes it again, should somebody delete it."""
        self._dir = directory
        self._files = files
        self._restore = restore
        self._quiet_s = quiet_s
        self._doors: dict[str, _Door] = {}
        self._refused: dict[str, tuple[int, int]] = {}
        self._ready: list[InputChunk] = []
        self._something = asyncio.Event()
        self._broken: CcmuxError | None = None
        self._watch = ExitStack()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Find doors as they come and go; see the port."""
        try:
            self._start()
            yield
        finally:
            self._watch.close()
            for name in list(self._doors):
                self._lose(name)

    async def next(self) -> Sequence[InputChunk]:
        """Wait for what writers wrote; see the port."""
        await self._something.wait()
        if self._broken is not None:
            raise self._broken
        self._something.clear()
        chunks, self._ready = self._ready, []
        return chunks

    def done(self, chunks: Sequence[InputChunk]) -> None:
        """Read on at the doors of these chunks."""
        for name in {chunk.door for chunk in chunks}:
            door = self._doors.get(name)
            if door is not None and door.resting:
                door.resting = False
                asyncio.get_running_loop().add_reader(door.fd, self._read, door)
                if door.closed:
                    self._read(door)  # the pipe may be empty, then nothing else would call

    def rest(self) -> Sequence[InputChunk]:
        """Return what is read and was not handed out; see the port."""
        chunks, self._ready = self._ready, []
        return chunks

    # ------------------------------------------------------------------------------------------ finding

    def _start(self) -> None:
        while True:
            self._watch.close()
            self._restore()
            with suppress(FileNotFoundError):  # deleted again already: make it again
                self._watch.enter_context(self._files.watch(str(self._dir), _WANTED, self._changed))
                for name in sorted({_DEFAULT_DOOR, *self._doors, *_names(self._dir)}):
                    self._look_at(name)
                return

    def _changed(self, event: FileEvent) -> None:
        if event.change in FileChange.SELF_GONE | FileChange.OVERFLOWED:
            # Where events were dropped the directory itself may be another one.
            log.warning("runtime directory looked at again", path=str(self._dir), change=event.change.name)
            try:
                self._start()
            except CcmuxError as error:
                self._broken = error
                self._something.set()
        elif event.change is FileChange.CLOSED and event.name in self._doors:
            self._writer_closed(self._doors[event.name])
        else:
            self._look_at(event.name)

    def _look_at(self, name: str) -> None:
        """Bring our knowledge of one name in line with what is there."""
        channel = input_channel(name)
        if channel is None:
            return
        found = self._found(name)
        door = self._doors.get(name)
        if found is not None and door is not None and door.inode == _inode(found):
            return
        self._lose(name)
        if found is None:
            self._refused.pop(name, None)
        else:
            self._open(name, channel, found)

    def _found(self, name: str) -> os.stat_result | None:
        path = self._dir / name
        with suppress(FileNotFoundError):
            return path.lstat()
        if name == _DEFAULT_DOOR:
            with suppress(FileExistsError, FileNotFoundError):
                os.mkfifo(path, 0o600)
                return path.lstat()
        return None

    def _open(self, name: str, channel: str, found: os.stat_result) -> None:
        path = self._dir / name
        reason, fd = _unfit(found), -1
        if not reason:
            try:
                fd = os.open(path, _READ_WRITE)
            except OSError as error:
                reason = f"it cannot be opened ({error.strerror})"
        if not reason and (reason := _unfit(os.fstat(fd))):  # it was replaced after we looked
            os.close(fd)
        if reason:
            if self._refused.get(name) != _inode(found):
                self._refused[name] = _inode(found)
                log.warning("input refused", path=str(path), reason=reason)
            return
        os.fchmod(fd, 0o600)
        with suppress(OSError):  # the user's pipe quota is used up: a smaller one does
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._refused.pop(name, None)
        door = self._doors[name] = _Door(name, channel, fd, _inode(os.fstat(fd)))
        asyncio.get_running_loop().add_reader(fd, self._read, door)
        log.info("input opened", channel=channel, path=str(path))

    def _lose(self, name: str) -> None:
        """Give up a door: what stands in its pipe is read, what was begun has ended."""
        door = self._doors.pop(name, None)
        if door is None:
            return
        asyncio.get_running_loop().remove_reader(door.fd)
        self._disarm(door)
        data = _whole_pipe(door.fd)
        os.close(door.fd)
        self._tell(InputChunk(door.name, door.channel, data, ended=True))
        log.info("input closed", channel=door.channel, path=str(self._dir / name))

    # ------------------------------------------------------------------------------------------ reading

    def _read(self, door: _Door) -> None:
        data = b""
        with suppress(BlockingIOError):
            data = os.read(door.fd, PIPE_BYTES)
        if data:
            self._disarm(door)
            door.mid_line = not data.endswith(b"\n")
            door.resting = True
            asyncio.get_running_loop().remove_reader(door.fd)
            self._tell(InputChunk(door.name, door.channel, data))
        if door.closed:
            door.closed = False  # one read takes all a pipe holds, so what its writer wrote last too
            self._arm(door)

    def _writer_closed(self, door: _Door) -> None:
        door.closed = True
        if not door.resting:
            self._read(door)

    def _arm(self, door: _Door) -> None:
        self._disarm(door)
        if door.mid_line:
            door.timer = asyncio.get_running_loop().call_later(self._quiet_s, self._quiet, door)

    def _disarm(self, door: _Door) -> None:
        if door.timer is not None:
            door.timer.cancel()
            door.timer = None

    def _quiet(self, door: _Door) -> None:
        if door.resting:
            self._arm(door)  # only what has been read can be called quiet
            return
        door.mid_line = False
        self._tell(InputChunk(door.name, door.channel, b"", ended=True))

    def _tell(self, chunk: InputChunk) -> None:
        self._ready.append(chunk)
        self._something.set()


def _names(directory: Path) -> Iterator[str]:
    return (path.name for path in directory.iterdir())


def _inode(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _unfit(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "it is a link"
    if not stat.S_ISFIFO(found.st_mode):
        return "it is no FIFO"
    if found.st_uid != os.geteuid():
        return f"it belongs to user {found.st_uid}"
    return ""


def _whole_pipe(fd: int) -> bytes:
    pieces: list[bytes] = []
    with suppress(BlockingIOError):
        while len(pieces) < 2:  # a writer that never stops does not keep us here
            pieces.append(os.read(fd, PIPE_BYTES))
    return b"".join(pieces)
