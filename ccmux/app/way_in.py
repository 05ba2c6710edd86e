"""The way in as it is wired for a daemon, and for whoever reads the pipes out after its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ccmux.core.settings import Settings
from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.input_fifos import InputFifos
from ccmux.drivers.runtime_dir import RuntimeDir
from ccmux.drivers.spool import Spool
from ccmux.drivers.sqlite import SqliteStore
from ccmux.paths import Paths
from ccmux.ports import Keeper, Reached, go_on
from ccmux.services.hub import Hub
from ccmux.services.intake import DEAD_LINE_BYTES, Intake


def way_in(
    settings: Settings,
    paths: Paths,
    *,
    runtime_dir: RuntimeDir,
    files: InotifyFileEvents,
    store: SqliteStore,
    spool: Spool,
    hub: Hub,
    keeper: Keeper,
    keeper_is_there: Callable[[], Awaitable[None]] | None = None,
    reached: Reached = go_on,
) -> Intake:
    """Return the intake at the project's doors, not running yet."""
    return Intake(
        inputs=InputFifos(
            paths.runtime_dir,
            files,
            restore=runtime_dir.restore,
            landing=paths.landing,
            keeper=keeper,
            max_line_bytes=max(settings.input.max_message_bytes, DEAD_LINE_BYTES),
        ),
        spool=spool,
        store=store,
        sightings=hub,
        clock=WallClock(),
        settings=settings.input,
        keeper_is_there=keeper_is_there,
        reached=reached,
    )
