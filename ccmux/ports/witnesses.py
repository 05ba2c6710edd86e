"""What tells of Claude beside its screen: its process, the files it writes, what its hooks leave."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class Processes(Protocol):
    """Other processes of this machine."""

    def start_time(self, pid: int) -> str:
        """Return a process's start in clock ticks since boot, "" where there is no such process."""
        ...

    def state(self, pid: int) -> str:
        """Return one letter (proc_pid_stat(5)); T is suspended, "" where there is no such process."""
        ...

    def started_at(self, pid: int) -> float:
        """Return epoch seconds of a process's start, 0 where there is no such process."""
        ...

    async def wait_exit(self, pid: int) -> None:
        """Return once the process has ended; at once where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file of a spool: its name, its bytes, and when it was written (epoch seconds)."""

    name: str
    content: bytes
    written_at: float


class SpoolFiles(Protocol):
    """A folder of files that appear by atomic rename; each is taken once, in the order of their names."""

    async def next(self) -> SpoolFile:
        """Wait for the next file that was not handed out yet."""
        ...

    async def remove(self, name: str) -> None:
        """Delete a file that is done with."""
        ...

    async def set_aside(self, name: str) -> None:
        """Keep a file that nobody understands beside the others, out of the way."""
        ...


class RegistryFiles(Protocol):
    """Claude's registry of running sessions."""

    def read(self, pid: int) -> bytes | None:
        """Return the registry file of a process as it is now, None where there is none."""
        ...

    def watch(self, pid: int, changed: Callable[[], None]) -> AbstractContextManager[None]:
        """Call back in the loop whenever that file may have changed."""
        ...


class LineTail(Protocol):
    """A file that grows by lines."""

    def lines(self, path: str, offset: int) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """Yield batches of (offset behind the line, line without newline), whole lines only, for ever.

        An empty batch means: read to the end (or there is no file), waiting for more. A file that does not
        exist yet is waited for; one that was replaced or became shorter is read again from its start.
        Close it (`aclosing`) to let go of the file.
        """
        ...
