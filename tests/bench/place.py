"""The way in by itself for measurements: real FIFOs, the real store, the intake service, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ccmux.core.settings import InputSettings
from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.input_fifos import InputFifos
from ccmux.drivers.runtime_dir import RuntimeDir
from ccmux.drivers.spool import Spool
from ccmux.drivers.sqlite import SqliteStore
from ccmux.services.hub import Hub
from ccmux.services.intake import Intake


@asynccontextmanager
async def way_in(folder: Path) -> AsyncIterator[SqliteStore]:
    """Run an intake that reads the FIFOs of `folder`/run."""
    clock, hub, files = WallClock(), Hub(), InotifyFileEvents()
    runtime = RuntimeDir(folder / "run", project="bench")
    store = await SqliteStore.open(folder / "bench.db", session="bench", clock=clock, on_events=hub.publish)
    try:
        with runtime.hold(), Spool(folder / "spool", files, max_file_bytes=1 << 20) as spool:
            intake = Intake(
                inputs=InputFifos(folder / "run", files, restore=runtime.restore, landing=folder / "landing"),
                spool=spool,
                store=store,
                sightings=hub,
                clock=clock,
                settings=InputSettings(),
            )
            async with asyncio.TaskGroup() as group:
                task = group.create_task(intake.run(), name="intake")
                while not (folder / "run" / "in").exists():
                    await asyncio.sleep(0)
                yield store
                task.cancel()
    finally:
        await store.close()
        files.close()
