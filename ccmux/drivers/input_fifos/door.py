"""One door: an open FIFO, read into its landing, and read again only when its last chunk is on disk.

Until then writers fill the pipe and wait. It decides when a line that was begun counts as whole. It never
looks for FIFOs, nor at what it reads.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from ccmux.core.fifo import reason_against
from ccmux.drivers.input_fifos.landing import PIPE_BYTES, Landing

PARTIAL_QUIET_S = 1.0
"""A writer closed in the middle of a line, and so long nothing more came: the line is whole."""

RETRY_S = 1.0
"""A door whose landing failed (the disk is full) is tried again so often."""

LAST_LOOKS = 20
"""At its end a door is read so often at most, where others read it too and somebody never stops writing."""

_READ_WRITE = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

log = structlog.get_logger()


class Told(Protocol):
    """Is told what was read; `ended`: a last line without a newline is a whole one."""

    def __call__(self, data: bytes, *, ended: bool = False) -> None: ...


class Door:
    """A FIFO of ours, opened for reading and writing, so that it never reaches the end of the file (fifo(7)).

    Attributes:
        resting: Its last chunk is not on disk yet.
        closed: A writer closed it since it was last read.
        held: Its landing failed, and that was said.
        inode: What is open, wherever its path leads by now.
    """

    def __init__(
        self,
        name: str,
        channel: str,
        fd: int,
        *,
        landing: Callable[[], Landing],
        tell: Told,
        quiet_s: float,
    ) -> None:
        """Take an open FIFO; nothing is read before `begin`.

        Args:
            name: Of the FIFO.
            channel: What it feeds.
            fd: The FIFO, as `open_fifo` opens it.
            landing: Returns the door's landing, made where there is none; raises OSError.
            tell: What was read, after it has landed.
            quiet_s: See PARTIAL_QUIET_S.
        """
        self.name = name
        self.channel = channel
        self.fd = fd
        self.inode = inode_of(os.fstat(fd))
        self.resting = False
        self.closed = False
        self.held = False
        self.timer: asyncio.TimerHandle | None = None
        self.retry: asyncio.TimerHandle | None = None
        self._mid_line = False
        self._landing = landing
        self._tell = tell
        self._quiet_s = quiet_s

    @property
    def key(self) -> str:
        """Name for the keeper: another FIFO of the same name is another one."""
        return f"{self.name}~{self.inode[1]}"

    def begin(self, *, closed: bool, unfinished: bytes | None) -> None:
        """Begin to read.

        Args:
            closed: Somebody may have written and closed before we were there.
            unfinished: What was read here before and is not on disk yet; reading waits for it.
        """
        self.closed = closed
        if unfinished is None:
            self.read_on()
        else:
            self.resting, self._mid_line = True, not unfinished.endswith(b"\n")

    def read_on(self) -> None:
        """Read again: what was read is on disk."""
        self.resting, self.retry = False, None
        asyncio.get_running_loop().add_reader(self.fd, self._read)
        if self.closed:
            self._read()  # the pipe may be empty, then nothing else would call

    def writer_closed(self) -> None:
        """Know that one of those who had it open for writing closed it."""
        self.closed = True
        if not self.resting:
            self._read()

    def drained(self) -> tuple[bytes, bool]:
        """Take what the pipe holds; see `drained`."""
        return drained(self._landing, self.fd, name=self.name)

    def closed_empty(self) -> bytes:
        """Take what the pipe holds and close it; no byte is left in it that nobody will read.

        Between a last read and the close a writer may write. So a descriptor for writing keeps the pipe until
        nobody reads it any more, and writers hear that: what it holds then is read by opening it once more.
        Where the keeper reads it too its bytes are the keeper's. Where no descriptor is left to open it with
        it is read and closed; then what comes between is the keeper's alone.
        """
        pieces: list[bytes] = []
        keeping = _opened_again(self.fd, os.O_WRONLY, name=self.name)
        try:
            for _ in range(LAST_LOOKS):
                data, is_all = self.drained()
                pieces.append(data)
                self.close()
                if not is_all or keeping < 0 or not _unread(keeping):
                    break
                self.fd = _opened_again(keeping, os.O_RDONLY, name=self.name)
                if self.fd < 0:
                    break
        finally:
            self.close()
            if keeping >= 0:
                os.close(keeping)
        return b"".join(pieces)

    def close(self) -> None:
        """Close it, if it is not."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def disarm(self) -> None:
        """Let nothing call for this door."""
        self._still()
        asyncio.get_running_loop().remove_reader(self.fd)
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None

    def _read(self) -> None:
        data = b""
        try:
            data = self._landing().take(self.fd)
        except BlockingIOError:
            pass
        except OSError as error:
            self._hold(error)
            return
        self.held = False
        if data:
            self.disarm()
            self._mid_line = not data.endswith(b"\n")
            self.resting = True
            self._tell(data)
        if self.closed:
            self.closed = False  # one read takes all a pipe holds, so what its writer wrote last too
            self._arm()

    def _hold(self, error: OSError) -> None:
        """Leave the bytes in the pipe until there is place for them; meanwhile its writers wait."""
        if not self.held:
            log.error("input held", channel=self.channel, reason=error.strerror or str(error))
        self.held = self.resting = True
        self.disarm()
        self.retry = asyncio.get_running_loop().call_later(RETRY_S, self.read_on)

    def _arm(self) -> None:
        self._still()
        if self._mid_line:
            self.timer = asyncio.get_running_loop().call_later(self._quiet_s, self._quiet)

    def _still(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _quiet(self) -> None:
        if self.resting:
            self._arm()  # only what has been read can be called quiet
            return
        try:
            newline = self._landing().end_line()
        except OSError:
            self._arm()
            return
        self._mid_line = False
        self._tell(newline, ended=True)


def drained(landing: Callable[[], Landing], fd: int, *, name: str) -> tuple[bytes, bool]:
    """Return what a pipe holds, and whether that is all of it; the disk may have no place for it."""
    pieces: list[bytes] = []
    try:
        while len(pieces) < 2:  # a writer that never stops does not keep us here
            pieces.append(landing().take(fd))
    except BlockingIOError:
        pass
    except OSError as error:
        log.error("input left in its pipe", door=name, reason=error.strerror or str(error))  # noqa: TRY400 - it says all
        return b"".join(pieces), False
    return b"".join(pieces), True


def open_fifo(path: Path, found: os.stat_result) -> int | str:
    """Open a FIFO of ours and close it to others; return its descriptor, or why it is none of ours."""
    if reason := _unfit(found):
        return reason
    try:
        fd = os.open(path, _READ_WRITE)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if reason := _unfit(os.fstat(fd)):  # it was replaced after we looked
        os.close(fd)
        return reason
    os.fchmod(fd, 0o600)
    with suppress(OSError):  # the user's pipe quota is used up: a smaller one does
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return fd


def _opened_again(fd: int, access: int, *, name: str) -> int:
    """Open an open pipe once more; return -1 where no descriptor is left for it."""
    try:
        return os.open(f"/proc/self/fd/{fd}", access | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        log.warning("input not looked at again", door=name, reason=error.strerror or str(error))
        return -1


def _unread(fd: int) -> bool:
    """Tell whether a pipe holds bytes; its writing end knows that too."""
    return fcntl.ioctl(fd, termios.FIONREAD, bytes(4)) != bytes(4)


def inode_of(found: os.stat_result) -> tuple[int, int]:
    """Return what names a file beyond its path."""
    return found.st_dev, found.st_ino


def _unfit(found: os.stat_result) -> str:
    return reason_against(found.st_mode, found.st_uid, our_uid=os.geteuid())
