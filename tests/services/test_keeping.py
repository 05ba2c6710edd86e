"""There is a keeper whenever there can be one, and only one is started at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from structlog.testing import capture_logs

from ccmux.core.errors import PaneLost
from ccmux.services.keeping import ARRIVALS, Keeping
from tests.virtual_time import run


class FakeProcess:
    """A keeper that arrives after `late` looks once it was started; `starts` counts."""

    argv = ("keeper",)

    def __init__(self, *, there: bool = False, late: int = 0, tmux_from_s: float = 0.0) -> None:
        self.connected = there
        self.starts = 0
        self._late = late
        self._coming = -1
        self._tmux_from_s = tmux_from_s
        self._gone = asyncio.Event()
        self.found_at_s: list[float] = []

    async def start(self, argv: Sequence[str]) -> None:
        assert argv == ("keeper",)
        if asyncio.get_running_loop().time() < self._tmux_from_s:
            raise PaneLost("no server", during="run-shell")
        self.starts += 1
        self._coming = self._late

    async def connect(self) -> bool:
        if self._coming == 0:
            self.connected = True
            self.found_at_s.append(asyncio.get_running_loop().time())
        self._coming -= 1
        return self.connected

    async def lost(self) -> None:
        await self._gone.wait()
        self._gone.clear()

    def die(self) -> None:
        self.connected = False
        self._gone.set()


def after(process: FakeProcess, seconds: float, *, dies_at_s: float | None = None) -> None:
    async def live() -> None:
        keeping = Keeping(process=process, start=process.start)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(keeping.run())
            if dies_at_s is not None:
                await asyncio.sleep(dies_at_s)
                process.die()
            await asyncio.sleep(seconds)
            task.cancel()

    with capture_logs():
        run(live())


def test_one_that_outlived_the_last_daemon_is_taken() -> None:
    process = FakeProcess(there=True)
    after(process, 100)
    assert process.starts == 0


def test_one_is_started_as_soon_as_tmux_is_there() -> None:
    process = FakeProcess(tmux_from_s=1.0, late=3)
    after(process, 100)
    assert process.starts == 1
    assert process.found_at_s[0] < 2.0


def test_a_lost_one_is_replaced_at_once() -> None:
    process = FakeProcess()
    after(process, 100, dies_at_s=50)
    assert process.starts == 2
    assert process.found_at_s[1] == 50


def test_one_that_never_comes_is_started_again_ever_more_rarely() -> None:
    process = FakeProcess(late=10 * ARRIVALS)
    after(process, 300)
    assert 5 < process.starts < 20
