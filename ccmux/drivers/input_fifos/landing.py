"""A door's landing: the file into which the kernel moves a FIFO's bytes, until they are on disk as messages.

A read from a pipe destroys what it returns: who is killed before the commit has lost it. splice(2) moves the
bytes into a file's pages in one step that no kill -9 divides, so they are in the pipe or in the file. How far
the file has become messages is committed with the messages (`ReadTo`), so a restart goes on at that byte:
none is lost, none is taken twice. What is unfinished, a line without its end, simply stays.

The file is empty whenever all of it is on disk as messages, and then the kernel never writes it out. It is no
shelter from a power cut, nor was the pipe: a file of another boot counts only if it was closed in order.

It never looks at what it holds, and knows nothing of FIFOs' names.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from ccmux.ports import ReadTo

PIPE_BYTES = 1_048_576
"""Size of a door's pipe (F_SETPIPE_SZ), the most an unprivileged user may ask for, and of one read."""

COMPACT_ABOVE_BYTES = 4 * PIPE_BYTES
"""A file that never ends with a line's end is begun anew above this."""

_ID_BYTES = 16
_HEADER_BYTES = 2 * _ID_BYTES
"""Which boot the bytes are of, then the name of their run, the stream."""
_ANY_BOOT = bytes(_ID_BYTES)
_NO_SPLICE = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


class Landing:
    """One door's file. Methods raise OSError where the disk fails; then nothing was taken.

    Attributes:
        stream: Name of the run of bytes that is in the file, "" where it is empty.
        end: Bytes of the stream so far.
    """

    def __init__(self, path: Path, *, keep_bytes: int) -> None:
        """Open or make the file (0600).

        Args:
            path: The file.
            keep_bytes: Of an unfinished line that is longer, only so much need be kept.
        """
        self._path = path
        self._keep_bytes = keep_bytes
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.stream = ""
        self.end = 0
        try:
            self._recover()
        except BaseException:
            os.close(self._fd)
            raise

    def unread(self, read_to: ReadTo | None) -> bytes:
        """Return what is not on disk as messages; where all of it is, the file is emptied."""
        start = read_to.offset if read_to is not None and read_to.stream == self.stream else 0
        if start >= self.end:
            self._clear()
            return b""
        return os.pread(self._fd, self.end - start, _HEADER_BYTES + start)

    def take(self, pipe: int) -> bytes:
        """Move here what the pipe holds, at most PIPE_BYTES, and return it.

        Raises:
            BlockingIOError: The pipe is empty.
        """
        if not self.stream:
            self._begin(self._fd)
        at = _HEADER_BYTES + self.end
        try:
            count = os.splice(pipe, self._fd, PIPE_BYTES, offset_dst=at, flags=os.SPLICE_F_NONBLOCK)
        except OSError as error:
            if error.errno not in _NO_SPLICE:
                raise
            # A file system that cannot: a kill between these two lines costs what was read.
            data = os.read(pipe, PIPE_BYTES)
            with suppress(OSError):
                self._write(self._fd, data, at)
        else:
            data = os.pread(self._fd, count, at)
        self.end += len(data)
        return data

    def end_line(self) -> bytes:
        """Add the newline that a writer left out, and return it."""
        if not self.stream:
            self._begin(self._fd)
        self._write(self._fd, b"\n", _HEADER_BYTES + self.end)
        self.end += 1
        return b"\n"

    def done(self, offset: int, *, all_handed_out: bool) -> None:
        """Forget the bytes before `offset`: they are on disk as messages.

        `all_handed_out`: nobody holds a place in the stream behind it, so the stream may be begun anew.
        """
        kept_bytes = min(self.end - offset, self._keep_bytes)
        if offset >= self.end:
            self._clear()
        elif all_handed_out and self.end > max(COMPACT_ABOVE_BYTES, 2 * kept_bytes):
            with suppress(OSError):  # a full disk: the file grows on, or the next read fails
                self._begin_anew(offset, kept_bytes)

    def close(self) -> None:
        """Close it: an empty file goes, what is in the other one stands over a reboot."""
        if self.end == 0:
            self._path.unlink(missing_ok=True)
        else:
            os.fsync(self._fd)
            os.pwrite(self._fd, _ANY_BOOT, 0)
            os.fsync(self._fd)
        os.close(self._fd)

    def _recover(self) -> None:
        header = os.pread(self._fd, _HEADER_BYTES, 0)
        boot, stream = header[:_ID_BYTES], header[_ID_BYTES:]
        end = os.fstat(self._fd).st_size - _HEADER_BYTES
        if end <= 0 or boot not in {_boot(), _ANY_BOOT}:
            self._clear()
            return
        os.pwrite(self._fd, _boot(), 0)
        self.stream, self.end = stream.hex(), end

    def _clear(self) -> None:
        os.ftruncate(self._fd, 0)
        self.stream, self.end = "", 0

    def _begin(self, fd: int) -> None:
        stream = os.urandom(_ID_BYTES)
        self._write(fd, _boot() + stream, 0)
        self.stream = stream.hex()

    def _begin_anew(self, offset: int, kept_bytes: int) -> None:
        """Put a file with the unfinished line alone in this one's place, in one step."""
        tail = os.pread(self._fd, kept_bytes, _HEADER_BYTES + offset)
        new_path = self._path.with_name(f".{self._path.name}")
        new = os.open(new_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        old_stream = self.stream
        try:
            self._begin(new)
            self._write(new, tail, _HEADER_BYTES)
            new_path.rename(self._path)
        except OSError:
            self.stream = old_stream
            os.close(new)
            raise
        os.close(self._fd)
        self._fd, self.end = new, len(tail)

    @staticmethod
    def _write(fd: int, data: bytes, at: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(fd, view, at)
            view, at = view[written:], at + written


@cache
def _boot() -> bytes:
    """Return the id of this boot (random(4)); asked once, for later there may be no descriptor left."""
    return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
