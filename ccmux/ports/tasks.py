"""What the overseer needs of the outside: processes of its own, a place for its tasks, a log of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ccmux.core.overseer.task import Record


class RunningChild(Protocol):
    """A process that was started. Nothing is read or told before `listen`."""

    @property
    def pid(self) -> int:
        """Its pid."""
        ...

    @property
    def birth(self) -> str:
        """By what it is known, however its pid is used again."""
        ...

    def listen(
        self,
        on_output: Callable[[str, bytes], None],
        on_exit: Callable[[int], None],
        on_clear: Callable[[], None],
    ) -> None:
        """Tell from now on, and what has happened already.

        Args:
            on_output: Called with "stdout" or "stderr" and bytes; with no bytes at its end.
            on_exit: Called with its exit code, after all its output; negative is a signal's number.
            on_clear: Called once nothing that came of it is left, after `on_exit`.

        """
        ...

    def wait(self) -> None:
        """Read no more for now: its pipe fills, and then it waits."""
        ...

    def read_on(self) -> None:
        """Go on reading."""
        ...


class Children(Protocol):
    """Processes that are ours."""

    async def begin(self) -> None:
        """Wait until those of whoever was before us have ended.

        Raises:
            OverseerRefused: Whoever has them lives.

        """
        ...

    async def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> RunningChild:
        """Start a program; `environment` is more than is inherited.

        Raises:
            ChildNotStarted: There is no such program, or the system refuses.

        """
        ...

    def end(self, pid: int) -> None:
        """Ask a child and all that came of it to end, and kill what is left after five seconds."""
        ...

    async def end_stray(self, pid: int, birth: str) -> bool:
        """End what outlived whoever watched it; return whether it was there."""
        ...

    async def close(self, *, within_s: float) -> None:
        """Ask all children to end, and wait for them so long. They end in any case, a little later."""
        ...


class TaskStore(Protocol):
    """Where tasks outlive the overseer. Every method may raise StoreFailed."""

    async def load(self) -> list[Record]:
        """Return all tasks, oldest first."""
        ...

    async def save(self, records: Sequence[Record]) -> None:
        """Write these as they are now, all or none."""
        ...

    async def forget(self, task_ids: Sequence[str]) -> None:
        """Delete these."""
        ...


class EventLog(Protocol):
    """A file of events, one a line."""

    def write(self, lines: bytes) -> None:
        """Take whole lines; it never waits."""
        ...
