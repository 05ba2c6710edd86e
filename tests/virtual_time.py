"""An event loop whose clock jumps to the next timer whenever nothing is ready: hours pass at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

Result = TypeVar("Result")


class StandsStill(AssertionError):
    """Nothing is ready and no timer runs: whatever is awaited will never come."""


class _Jump(selectors.SelectSelector):
    """Instead of waiting, moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise StandsStill
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop for code that waits for nothing outside: no sockets, no threads, no processes."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        raise AssertionError(str(context))


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on virtual time that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
