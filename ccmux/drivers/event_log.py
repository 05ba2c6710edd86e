"""A file of events, one JSON object a line, for other programs to read: written in a thread, and rotated.

Whoever writes never waits: what a slow disk has not taken is bounded, and what is too much is left out and
counted in a line of its own. The file is its owner's alone; FILE.1 is the one before it, and so on.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import structlog

FILE_BYTES = 32 * 1_048_576
FILES_KEPT = 4
WAITING_BYTES = 16 * 1_048_576

log = structlog.get_logger()


class EventLogFile:
    """The port `EventLog`; ended by `close`."""

    def __init__(
        self,
        path: Path,
        *,
        file_bytes: int = FILE_BYTES,
        files_kept: int = FILES_KEPT,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """Begin or go on with a file.

        Raises:
            OSError: It cannot be written.

        """
        self._path = path
        self._file_bytes = file_bytes
        self._files_kept = files_kept
        self._waiting_bytes = waiting_bytes
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._size = 0
        self._left_out = 0
        self._is_over = False
        self._fd = _opened(path)
        self._thread = threading.Thread(target=self._write_on, name="ccmux-event-log", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Take whole lines; it never waits."""
        with self._changed:
            if self._size > self._waiting_bytes:
                self._left_out += lines.count(b"\n")
                return
            self._waiting.append(lines)
            self._size += len(lines)
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, and close the file."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()
        os.close(self._fd)

    def _write_on(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_over:
                    self._changed.wait()
                waiting, self._waiting, self._size = self._waiting, [], 0
                if self._left_out:
                    waiting.append(json.dumps({"type": "left_out", "lines": self._left_out}).encode() + b"\n")
                    self._left_out = 0
            if not waiting:
                return
            try:
                self._write(b"".join(waiting))
            except OSError as error:
                log.warning("events not logged", path=str(self._path), reason=error.strerror)

    def _write(self, lines: bytes) -> None:
        if os.fstat(self._fd).st_size + len(lines) > self._file_bytes:
            self._rotate()
        while lines:
            lines = lines[os.write(self._fd, lines) :]

    def _rotate(self) -> None:
        """Move the file out of the way. Whatever fails, the one that is open is written on."""
        for number in range(self._files_kept, 0, -1):
            older = self._path if number == 1 else _numbered(self._path, number - 1)
            with suppress(FileNotFoundError):
                older.replace(_numbered(self._path, number))
        fd = _opened(self._path)
        os.close(self._fd)
        self._fd = fd


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
