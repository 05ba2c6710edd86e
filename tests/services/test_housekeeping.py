import asyncio

from ccmux.services.housekeeping import INTERVAL_S, Housekeeping
from tests import virtual_time


class Store:
    def __init__(self) -> None:
        self.portions = 2
        self.forgot: list[tuple[float, float, float]] = []

    async def forget(self, *, events_days: float, keys_days: float) -> bool:
        self.portions -= 1
        self.forgot.append((asyncio.get_running_loop().time(), events_days, keys_days))
        return self.portions > 0


def test_it_forgets_all_at_the_start_and_then_a_few_times_a_day() -> None:
    async def told() -> Store:
        store = Store()
        async with asyncio.TaskGroup() as group:
            service = Housekeeping(store=store, events_days=30, keys_days=7)
            task = group.create_task(service.run(), name="housekeeping")
            await asyncio.sleep(INTERVAL_S + 1)
            task.cancel()
        return store

    assert virtual_time.run(told()).forgot == [(0.0, 30, 7), (0.0, 30, 7), (INTERVAL_S, 30, 7)]
