"""Writes one line into an input FIFO, as an adapter would: whole or not at all. Blocking, with a limit.

It makes the FIFO where it is missing, and nothing else; what is not ours alone it does not touch.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from contextlib import suppress
from pathlib import Path

from ccmux.core.fifo import reason_against

_AGAIN_S = 0.05
_LATER = frozenset({errno.ENXIO, errno.ENOENT, errno.EAGAIN, errno.EPIPE})
"""Nobody reads yet, the folder is being made, the pipe is full, the reader has just gone."""


def write_line(folder: Path, name: str, line: bytes, *, limit_s: float) -> str:
    """Put a line into the FIFO `name` of the runtime directory; return "" or why it was not.

    Args:
        folder: The runtime directory.
        name: "in.selfcheck".
        line: With its newline; at most PIPE_BUF bytes, which a pipe takes whole (pipe(7)).
        limit_s: How long to wait for a reader, or for room.

    """
    if len(line) > select.PIPE_BUF:
        return f"it has {len(line)} bytes, a pipe takes {select.PIPE_BUF} whole"
    until_s = time.monotonic() + limit_s
    while True:
        try:
            return _write(folder, name, line)
        except OSError as error:
            if error.errno not in _LATER or time.monotonic() >= until_s:
                return f"{folder / name}: {_reason(error)}"
        time.sleep(_AGAIN_S)


def _write(folder: Path, name: str, line: bytes) -> str:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        return f"{folder} is not a folder of yours alone"
    path = folder / name
    if not os.path.lexists(path):
        with suppress(FileExistsError):  # somebody was quicker
            os.mkfifo(path, 0o600)
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        wrong = reason_against(found.st_mode, found.st_uid, our_uid=os.geteuid())
        if not wrong and found.st_mode & 0o077:
            wrong = "others can read or write it"
        if wrong:
            return f"{path}: {wrong}"
        os.write(handle, line)
    finally:
        os.close(handle)
    return ""


def _reason(error: OSError) -> str:
    if error.errno == errno.ENXIO:
        return "nobody reads it"
    if error.errno == errno.EAGAIN:
        return "it is full"
    return error.strerror or str(error)
