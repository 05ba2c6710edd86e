"""Processes of other parents: whether one still is who it was, how it is, and when it ends.

Reads /proc (proc_pid_stat(5)) and waits on pidfd_open(2): nothing is polled. It never signals anybody.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path


class Processes:
    """The processes of this machine. A pid may be reused; pid and start time together are one process."""

    def start_time(self, pid: int) -> str:
        """Return its start in clock ticks since boot, as Claude's registry has it; "" where it is gone."""
        return _stat(pid, 22)

    def started_at(self, pid: int) -> float:
        """Return epoch seconds of its start by the clock of now; 0 where it is gone."""
        ticks = self.start_time(pid)
        if not ticks:
            return 0.0
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
        return time.time() - age_s

    def state(self, pid: int) -> str:
        """Return one letter: R, S, D live; T is suspended (Ctrl-Z), Z has ended; "" where it is gone."""
        return _stat(pid, 3)

    def environment(self, pid: int) -> dict[str, str] | None:
        """Return the environment it was started with; None where it is gone or another user's."""
        try:
            raw = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return None
        pairs = (os.fsdecode(pair).partition("=") for pair in raw.split(b"\0") if b"=" in pair)
        return {name: value for name, _, value in pairs}

    async def wait_exit(self, pid: int, start_time: str = "") -> None:
        """Return when this process has ended; at once where the pid is gone or another process has it now.

        `start_time` "" means whoever has the pid.
        """
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            # The descriptor holds whoever has the pid now; only after that it is safe to ask who it is.
            if start_time and self.start_time(pid) != start_time:
                return
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
        finally:
            os.close(descriptor)


def _stat(pid: int, field: int) -> str:
    """Return a field of /proc/PID/stat by its number in the manual, from 3 on; "" where it is gone."""
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # Field 2 is the program's name in parentheses: it may hold blanks and parentheses of its own.
    return line.rpartition(b")")[2].split()[field - 3].decode("ascii")


__all__ = ["Processes"]
