"""One child: what it prints, as it comes, and its end. It ends nobody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

READ_BYTES = 65_536
"""As much as a pipe holds."""

LAST_READS = 4
"""Of each pipe when its child has ended: what the child had written, not what others go on writing."""

OnOutput = Callable[[str, bytes], None]


class Child:
    """A process that was started. Nothing is read or told before `listen`, and nothing is lost until then.

    Attributes:
        pid: Its pid, and that of its group.
        birth: By what it is known, however its pid is used again.

    """

    def __init__(self, pid: int, birth: str, pipes: Mapping[str, int]) -> None:
        """Take the process; `pipes` are what to read it by, and closed by this."""
        self.pid = pid
        self.birth = birth
        self._loop = asyncio.get_running_loop()
        self._pipes = dict(pipes)
        self._reading: set[str] = set()
        self._wants = True
        self._code: int | None = None
        self._has_exited = False
        self._is_clear = False
        self._on_output: OnOutput | None = None
        self._on_exit: Callable[[int], None]
        self._on_clear: Callable[[], None]

    def listen(
        self, on_output: OnOutput, on_exit: Callable[[int], None], on_clear: Callable[[], None]
    ) -> None:
        """Tell from now on, and what has happened already.

        Args:
            on_output: Called with "stdout" or "stderr" and bytes; with no bytes at its end.
            on_exit: Called with its exit code, after all its output; negative is a signal's number.
            on_clear: Called once nothing that came of it is left, after `on_exit`.

        """
        self._on_output, self._on_exit, self._on_clear = on_output, on_exit, on_clear
        self.read_on()
        if self._code is not None:
            self._loop.call_soon(self._tell_end)

    def wait(self) -> None:
        """Read no more for now: its pipe fills, and then it waits."""
        self._wants = False
        for stream in self._reading:
            self._loop.remove_reader(self._pipes[stream])
        self._reading.clear()

    def read_on(self) -> None:
        """Go on reading."""
        self._wants = True
        for stream in self._pipes.keys() - self._reading:
            self._loop.add_reader(self._pipes[stream], self._read, stream)
            self._reading.add(stream)

    def exited(self, code: int) -> None:
        """Take that it has ended; who has, ends no second time."""
        if self._has_exited:
            return
        self._has_exited, self._code = True, code
        if self._on_output is not None:
            self._tell_end()

    def cleared(self) -> None:
        """Take that nothing of it is left."""
        self._is_clear = True
        if self._on_output is not None and self._code is None:
            self._on_clear()

    def close(self) -> None:
        """Let go of its pipes."""
        for stream in tuple(self._pipes):
            self._end_of(stream)

    def _read(self, stream: str) -> bool:
        """Read once; return whether there may be more."""
        assert self._on_output is not None  # noqa: S101 - nobody reads before
        try:
            chunk = os.read(self._pipes[stream], READ_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._end_of(stream)
        self._on_output(stream, chunk)
        return bool(chunk)

    def _tell_end(self) -> None:
        assert self._on_output is not None and self._code is not None  # noqa: S101, PT018 - as above
        for stream in tuple(self._pipes):
            left = LAST_READS
            while left and self._read(stream):
                left -= 1
            if stream in self._pipes:
                self._end_of(stream)
                self._on_output(stream, b"")
        code, self._code = self._code, None
        self._on_exit(code)
        if self._is_clear:
            self._on_clear()

    def _end_of(self, stream: str) -> None:
        pipe = self._pipes.pop(stream)
        if stream in self._reading:
            self._reading.discard(stream)
            self._loop.remove_reader(pipe)
        os.close(pipe)
