"""Acts on the `in` and `in.<channel>` FIFOs of the runtime directory: finds them, makes `in`, hands out.

What is read at a door stands in its landing until it is told done, and the pipes themselves are held by the
keeper: neither ends with this process. It touches nothing that is not a FIFO of ours: that is refused, once
said, left. A FIFO that is open to others (mkfifo makes 0644) is taken and closed to them: 0600.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import structlog

from ccmux.core.channel import CHANNEL_NAMES, input_channel, is_misnamed_input
from ccmux.core.errors import CcmuxError, StateDirUnsafe
from ccmux.drivers.input_fifos.door import PARTIAL_QUIET_S, Door, drained, inode_of, open_fifo
from ccmux.drivers.input_fifos.landing import Landing
from ccmux.ports import NOTHING_READ, FileChange, FileEvent, FileEvents, InputChunk, Keeper, NoKeeper, ReadTo

MAX_LINE_BYTES = 1_048_576

HANDED_BYTES = 1_048_576
"""So much is handed out at once, of however many doors: it is one commit, and everybody waits for its end."""

_DEFAULT_DOOR = "in"
_WANTED = FileChange.APPEARED | FileChange.VANISHED | FileChange.CLOSED

log = structlog.get_logger()


class InputFifos:
    """The port Inputs on real FIFOs."""

    def __init__(
        self,
        directory: Path,
        files: FileEvents,
        *,
        restore: Callable[[], None],
        landing: Path,
        keeper: Keeper | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
        quiet_s: float = PARTIAL_QUIET_S,
    ) -> None:
        """Wire it up.

        Args:
            directory: Where the FIFOs are.
            files: Tells of their coming and going.
            restore: Makes the directory again, should somebody delete it.
            landing: The folder for what is read and not on disk as messages yet; made where it is missing.
            keeper: Holds the FIFOs beyond our end; None: nobody does.
            max_line_bytes: Of a longer line only so much is looked at.
            quiet_s: See PARTIAL_QUIET_S.
        """
        self._dir = directory
        self._files = files
        self._restore = restore
        self._landing_dir = landing
        self._keeper = keeper or NoKeeper()
        self._keep_bytes = max_line_bytes + 2  # CR LF
        self._quiet_s = quiet_s
        self._doors: dict[str, Door] = {}
        self._landings: dict[str, Landing] = {}
        self._refused: dict[str, tuple[int, int]] = {}
        self._ready: list[InputChunk] = []
        self._something = asyncio.Event()
        self._broken: CcmuxError | None = None
        self._watch = ExitStack()
        self._starting = True
        self._over = False

    def make(self) -> None:
        """Make the FIFO `in` and open nothing; see the port."""
        self._restore()
        self._found(_DEFAULT_DOOR)

    @contextmanager
    def opened(self, read_to: Mapping[str, ReadTo] = NOTHING_READ) -> Iterator[None]:
        """Find doors as they come and go; see the port."""
        try:
            try:
                self._recover(read_to)
            except OSError as error:
                reason = error.strerror or str(error)
                raise StateDirUnsafe(str(self._landing_dir), reason, "mend it, or move it away") from error
            self._start()
            self._starting = False
            for name in sorted(self._landings.keys() - self._doors.keys()):
                self._end_orphan(name)
            yield
        finally:
            self._stop_reading()
            for door in self._doors.values():
                door.close()
            self._doors.clear()
            for landing in self._landings.values():
                landing.close()
            self._landings.clear()

    async def next(self) -> Sequence[InputChunk]:
        """Wait for what writers wrote; see the port."""
        await self._something.wait()
        if self._broken is not None:
            raise self._broken
        count = _fitting(self._ready)
        chunks, self._ready = self._ready[:count], self._ready[count:]
        if not self._ready:
            self._something.clear()
        return chunks

    def done(self, chunks: Sequence[InputChunk], read_to: Mapping[str, ReadTo] = NOTHING_READ) -> None:
        """Read on at the doors of these chunks; see the port."""
        for name, end in {chunk.door: chunk.end for chunk in chunks}.items():
            landing, door = self._landings.get(name), self._doors.get(name)
            if landing is not None:
                offset = read_to[name].offset if name in read_to else end
                landing.done(offset, all_handed_out=end == landing.end)
                if door is None and landing.end == 0:
                    self._landings.pop(name).close()
            if door is not None and door.resting and not self._over:
                door.read_on()

    def rest(self) -> Sequence[InputChunk]:
        """Read no more; see the port."""
        if not self._over:
            self._stop_reading()
            for door in self._doors.values():
                self._tell(door.name, door.channel, door.closed_empty())
            self._doors.clear()
        chunks, self._ready = self._ready, []
        return chunks

    def _stop_reading(self) -> None:
        self._over = True
        self._watch.close()
        for door in self._doors.values():
            door.disarm()

    # ------------------------------------------------------------------------------------ what was left

    def _recover(self, read_to: Mapping[str, ReadTo]) -> None:
        """Hand out what the last daemon had read or left, landings before pipes: that is their order."""
        self._landing_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in sorted(_names(self._landing_dir)):
            channel = input_channel(name)
            if channel is None:
                (self._landing_dir / name).unlink()  # a file that was not put in its place
                continue
            landing = self._landings[name] = self._opened_landing(name)
            self._tell(name, channel, data := landing.unread(read_to.get(name)))
            if data:
                log.info("input recovered", channel=channel, bytes=len(data))
            else:
                self._landings.pop(name).close()
        for key, fd in self._keeper.kept():
            self._take_over(key, fd)

    def _take_over(self, key: str, fd: int) -> None:
        """Read out a pipe that the keeper held and whose path leads elsewhere now; another is opened anew."""
        name = key.partition("~")[0]
        channel = input_channel(name)
        with suppress(FileNotFoundError):
            if channel is not None and inode_of((self._dir / name).lstat()) == inode_of(os.fstat(fd)):
                os.close(fd)
                return
        if channel is not None:
            self._end(name, channel, key, drained(partial(self._landing, name), fd, name=name))
        else:
            self._keeper.drop(key)
        os.close(fd)

    def _end_orphan(self, name: str) -> None:
        """End the line that was begun at a door which is no more."""
        channel = input_channel(name)
        with suppress(OSError):  # a full disk: the next start tries again
            self._tell(name, channel or "", self._landings[name].end_line(), ended=True)

    def _opened_landing(self, name: str) -> Landing:
        return Landing(self._landing_dir / name, keep_bytes=self._keep_bytes)

    def _landing(self, name: str) -> Landing:
        landing = self._landings.get(name)
        if landing is None:
            landing = self._landings[name] = self._opened_landing(name)
        return landing

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
            self._doors[event.name].writer_closed()
        else:
            self._look_at(event.name)

    def _look_at(self, name: str) -> None:
        """Bring our knowledge of one name in line with what is there."""
        channel = input_channel(name)
        if channel is None and not is_misnamed_input(name):
            return
        found = self._found(name)
        door = self._doors.get(name)
        if found is not None and door is not None and door.inode == inode_of(found):
            return
        self._lose(name)
        if found is None:
            self._refused.pop(name, None)
        elif channel is None:
            self._refuse(name, found, f"no channel's name: {CHANNEL_NAMES}")
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
        opened = open_fifo(path, found)
        if isinstance(opened, str):
            self._refuse(name, found, opened)
            return
        self._refused.pop(name, None)
        door = self._doors[name] = Door(
            name,
            channel,
            opened,
            landing=partial(self._landing, name),
            tell=partial(self._tell, name, channel),
            quiet_s=self._quiet_s,
        )
        self._keeper.keep(door.key, door.fd)
        log.info("input opened", channel=channel, path=str(path))
        left = [chunk for chunk in self._ready if chunk.door == name]
        unfinished = left[-1].data if left and not left[-1].ended else None
        # Nobody told us who wrote and closed before we were there.
        door.begin(closed=self._starting, unfinished=unfinished)

    def _refuse(self, name: str, found: os.stat_result, reason: str) -> None:
        """Say once why this file is no door."""
        if self._refused.get(name) != inode_of(found):
            self._refused[name] = inode_of(found)
            log.warning("input refused", path=str(self._dir / name), reason=reason)

    def _lose(self, name: str) -> None:
        """Give up a door: what stands in its pipe is read, what was begun has ended."""
        door = self._doors.pop(name, None)
        if door is None:
            return
        door.disarm()
        self._end(name, door.channel, door.key, door.drained())
        os.close(door.fd)
        log.info("input closed", channel=door.channel, path=str(self._dir / name))

    # ------------------------------------------------------------------------------------- handing out

    def _end(self, name: str, channel: str, key: str, rest: tuple[bytes, bool]) -> None:
        """End a pipe that nobody can write to any more; the keeper drops it if `rest` is all it held."""
        data, taken = rest
        try:
            data += self._landing(name).end_line()
        except OSError:
            taken = False
        self._tell(name, channel, data, ended=True)
        if taken:
            self._keeper.drop(key)

    def _tell(self, name: str, channel: str, data: bytes, *, ended: bool = False) -> None:
        if not data and not ended:
            return
        landing = self._landings.get(name)
        stream, end = (landing.stream, landing.end) if landing is not None else ("", 0)
        self._ready.append(InputChunk(name, channel, data, ended, stream, end))
        self._something.set()


def _fitting(chunks: Sequence[InputChunk]) -> int:
    """Return how many of these are handed out at once, one at least."""
    left_bytes = HANDED_BYTES
    for count, chunk in enumerate(chunks):
        left_bytes -= len(chunk.data)
        if left_bytes < 0 and count:
            return count
    return len(chunks)


def _names(directory: Path) -> Iterator[str]:
    return (path.name for path in directory.iterdir())
