"""There is a keeper whenever there can be one, the doors wait for it, and only one is started at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from structlog.testing import capture_logs

from ccmux.core.errors import PaneLost
from ccmux.services.keeping import ARRIVALS, PATIENCE_S, Keeping
from tests.virtual_time import run


class FakeProcess:
    """A keeper that arrives after `late` looks once it was started; `starts` counts. tmux may come and go."""

    argv = ("keeper",)

    def __init__(self, *, there: bool = False, late: int = 0, tmux_from_s: float = 0.0) -> None:
        self.connected = self.rooted = there
        self.starts = 0
        self._late = late
        self._coming = -1
        self._tmux_from_s = tmux_from_s
        self._changed = asyncio.Event()
        self.found_at_s: list[float] = []

    async def start(self, argv: Sequence[str]) -> None:
        assert argv == ("keeper",)
        if asyncio.get_running_loop().time() < self._tmux_from_s:
            raise PaneLost("no server", during="run-shell")
        self.starts += 1
        self._coming = self._late
        if self.connected:
            self.rooted = True  # it heard of the new tmux
            self.found_at_s.append(asyncio.get_running_loop().time())

    async def connect(self) -> bool:
        if self._coming == 0:
            self.connected = self.rooted = True
            self.found_at_s.append(asyncio.get_running_loop().time())
        self._coming -= 1
        return self.connected

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def die(self) -> None:
        self.connected = self.rooted = False
        self._changed.set()

    def lose_tmux(self, *, until_s: float) -> None:
        self.rooted = False
        self._tmux_from_s = until_s
        self._changed.set()


def after(
    process: FakeProcess, seconds: float, story: Callable[[Keeping], Awaitable[None]] | None = None
) -> list[str]:
    """Let it keep while `story` happens, and so many seconds more; return what was logged."""

    async def live() -> None:
        keeping = Keeping(process=process, start=process.start)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(keeping.run())
            if story is not None:
                await story(keeping)
            await asyncio.sleep(seconds)
            task.cancel()

    with capture_logs() as logs:
        run(live())
    return [entry["event"] for entry in logs]


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
    async def story(_: Keeping) -> None:
        await asyncio.sleep(50)
        process.die()

    process = FakeProcess()
    after(process, 100, story)
    assert process.starts == 2
    assert process.found_at_s[1] == 50


def test_one_that_lost_its_tmux_gets_the_next_one() -> None:
    async def story(_: Keeping) -> None:
        await asyncio.sleep(50)
        process.lose_tmux(until_s=51)

    process = FakeProcess(there=True)
    assert after(process, 100, story) == ["keeper found", "keeper without tmux", "keeper found"]
    assert process.starts == 1
    assert 51 <= process.found_at_s[0] < 53


def test_the_doors_wait_for_the_first_one() -> None:
    async def story(keeping: Keeping) -> None:
        await keeping.first()
        assert asyncio.get_running_loop().time() == process.found_at_s[0]

    process = FakeProcess(tmux_from_s=1.0, late=3)
    after(process, 0, story)
    assert process.found_at_s[0] > 1.0


def test_where_none_can_be_started_the_doors_wait_no_longer_than_that_and_it_is_said() -> None:
    async def story(keeping: Keeping) -> None:
        await keeping.first()
        assert asyncio.get_running_loop().time() == PATIENCE_S

    assert after(FakeProcess(tmux_from_s=1_000), 0, story) == ["nobody keeps the input FIFOs"]


def test_one_that_never_comes_is_started_again_ever_more_rarely() -> None:
    process = FakeProcess(late=10 * ARRIVALS)
    after(process, 300)
    assert 5 < process.starts < 20
