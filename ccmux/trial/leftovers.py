"""Ends what a stand leaves behind: every process that has the stand's home, and no other one."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_GO_S = 5.0
"""Claude runs its SessionEnd hooks when its terminal goes; after that it is killed."""
_LOOK_S = 0.02


def processes_at(home: str) -> list[int]:
    """Return the pids of our processes that were started with this HOME; a zombie has none any more."""
    wanted = b"HOME=" + os.fsencode(home)
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def end(*, home: str) -> None:
    """Wait until the processes of this home are gone; kill those that do not go."""
    began_s = time.monotonic()
    while (left := processes_at(home)) and (waited_s := time.monotonic() - began_s) < 2 * _GO_S:
        if waited_s > _GO_S:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_S)
