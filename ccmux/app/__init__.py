"""The daemon: one process, one event loop, one TaskGroup. Here all is made and wired; nothing is decided."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import resource
import sys
from contextlib import suppress

import structlog

from ccmux.core.errors import CcmuxError, StateDirUnsafe, first_of
from ccmux.core.failpoints import Failpoint
from ccmux.drivers.logs import logging_to
from ccmux.drivers.state_dir import make_private
from ccmux.place import Place

FILES = 65_536
"""Open files are allowed up to here; a tmux server that we start, and Claude in it, inherit that."""


log = structlog.get_logger()


def run(place: Place, *, demo: bool, failpoint: Failpoint | None = None) -> int:
    """Run the daemon in the foreground until SIGTERM, SIGINT or SIGHUP; return 0 then.

    Args:
        place: The project's; each service gets its own table of the settings.
        demo: Host the demo agent in Claude's place.
        failpoint: Where a test lets the daemon die.

    Raises:
        CcmuxError: It cannot start, or cannot go on.
    """
    from ccmux.app.house import House  # noqa: PLC0415 - who only publishes live status needs nothing of it

    _raise_file_limit()
    cores = _die_talking()
    paths = place.paths
    make_private(paths.data_dir, paths.state_dir, paths.logs_dir)
    with logging_to(paths.log_file, journal=os.environ.get("JOURNAL_STREAM", "")):
        if (trouble := place.trouble) is not None:
            log.error(
                "settings wrong",
                path=trouble.config,
                problems=list(trouble.problems),
                used_since=trouble.kept_at_s,
            )
        try:
            house = House(
                place, demo=demo, tmux_cores=cores, failpoint=failpoint, started=lambda: _keep(place)
            )
            asyncio.run(house.live(), debug=sys.flags.dev_mode)
        except* CcmuxError as group:
            raise first_of(group) from None
    return 0


def _keep(place: Place) -> None:
    """Keep the settings it came up with; one that cannot be kept is no reason to go down."""
    try:
        place.keep()
        place.keep_as_running()
    except (OSError, StateDirUnsafe) as error:
        log.warning("settings not kept", reason=str(error))


def _raise_file_limit() -> None:
    """Allow as many open files as we may: shells often say 1024, a crowd of subscribers needs more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _die_talking() -> tuple[int, int]:
    """Say where we stood when a watchdog's SIGABRT ends us, and leave no core: it would hold messages.

    Returns how large a core might be before (RLIMIT_CORE), for tmux: a limit is handed on to every child, and
    what Claude runs is the user's own, a program that shall leave a core among them.
    """
    with suppress(RuntimeError, OSError, ValueError):  # there is no stderr to say it on
        faulthandler.enable()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    return before
