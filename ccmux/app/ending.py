"""Ends what runs for a project: the daemon, and where all is to end its units, Claude and the keeper too.

It decides the order, in which nothing is lost: we hold the pipes before the daemon ends, and read them out to
the database when nobody else holds them any more; only then do they have no reader. Claude ends last, for we
may run below it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ccmux.app.way_in import way_in
from ccmux.core.channel import input_channel
from ccmux.core.control import line_limit
from ccmux.core.errors import CcmuxError, ClaudeStays, DaemonStays, InputStays, first_of
from ccmux.core.settings import Settings
from ccmux.core.units import DAEMON, owner_of
from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.keeper import ProcessKeeper
from ccmux.drivers.logs import logging_to
from ccmux.drivers.processes import Processes
from ccmux.drivers.runtime_dir import RunningDaemon, RuntimeDir
from ccmux.drivers.spool import Spool
from ccmux.drivers.sqlite import SqliteStore
from ccmux.drivers.sqlite.checkup import check_up, last_claude
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.drivers.tmux import TmuxServer
from ccmux.paths import Paths
from ccmux.services.hub import Hub

DAEMON_S = 20.0
"""The daemon promises to end within 5 s of SIGTERM."""

CLAUDE_S = 10.0
READ_OUT_S = 20.0

CLOCK_S = 5.0
"""By how much a process may seem to have started after it was told of: the clock is set now and then."""

_HOLD = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is to end.

    Attributes:
        settings: The project's.
        paths: Where all of it lies.
        config: The settings file its units were made from.
        claude_pid: Claude's process, as the daemon tells it; None where it tells none, or none answers.

    """

    settings: Settings
    paths: Paths
    config: Path
    claude_pid: int | None = None


@dataclass(frozen=True, slots=True)
class _Claude:
    """A Claude that runs: pid and start time are one process, whatever tmux server it was started in."""

    pid: int
    start_time: str
    socket: str

    @property
    def lives(self) -> bool:
        processes = Processes()
        return processes.start_time(self.pid) == self.start_time and processes.state(self.pid) != "Z"


async def end(project: Project, environment: Mapping[str, str], *, everything: bool, say: Say) -> bool:
    """End the daemon, or everything; tell of each thing that ended. Return whether the daemon did.

    Raises:
        CcmuxError: Something did not end.
    """
    paths = project.paths
    failed: CcmuxError | None = None
    claude = _running_claude(project) if everything else None
    with RunningDaemon.found(paths.runtime_dir) as daemon:
        if daemon is not None and daemon.project != paths.project:
            say(f"{paths.runtime_dir} belongs to the daemon of project '{daemon.project}', which goes on")
            ours = None
        else:
            ours = daemon
        with _held(paths.runtime_dir if daemon is ours else None) as held:
            ended = _end_units(project, environment, ours, everything=everything, say=say)
            if ours is not None:
                _end_daemon(ours)
                say(f"ended the daemon of '{paths.project}' (pid {ours.pid})")
            elif not ended:
                say(f"no daemon of '{paths.project}' runs")
            if daemon is ours and paths.database.exists() and (everything or ours is not None or ended):
                with logging_to(paths.log_file, on_stderr=False):
                    failed = await _read_out(project, held, everything=everything, say=say)
    if everything:
        await _end_claude(project, say)
        if claude is not None and claude.lives:
            failed = failed or ClaudeStays(claude.pid, claude.socket, paths.tmux_session)
    facts = check_up(paths.database, check_s=0.0)
    if facts is not None and (waiting := facts.counts.get("queued", 0)):
        say(f"what waits in the queue stays there for the next start: {waiting}")
    if failed is not None:
        raise failed
    return ours is not None or ended


def _end_units(
    project: Project,
    environment: Mapping[str, str],
    daemon: RunningDaemon | None,
    *,
    everything: bool,
    say: Say,
) -> bool:
    """End the daemon's unit, or all of this project's; return whether any was to be ended."""
    manager = UserManager(environment)
    if manager.unreachable():
        return False
    texts = UnitFiles(environment).read()
    deployed = {name for name, text in texts.items() if owner_of(text) == str(project.config)}
    [service] = manager.units([DAEMON])
    is_daemons = daemon is not None and service.pid == daemon.pid
    names = deployed if everything else {DAEMON} & deployed
    if is_daemons:
        names |= {DAEMON}
    units = manager.units(sorted(names))
    running = [unit.name for unit in units if unit.active not in {"inactive", "failed"}]
    if running:
        manager.stop(*running)
        say(f"stopped {', '.join(running)}; the next login or boot starts what is enabled")
    return bool(running)


def _end_daemon(daemon: RunningDaemon) -> None:
    """End the daemon, if whoever started it has not yet."""
    daemon.ask_to_end()
    if not daemon.ended(within_s=DAEMON_S):
        raise DaemonStays(daemon.pid, DAEMON_S)


@contextmanager
def _held(runtime_dir: Path | None) -> Iterator[ExitStack]:
    """Hold the pipes: between the end of whoever held them and our reading them out their bytes must stay."""
    with ExitStack() as held:
        if runtime_dir is not None and runtime_dir.is_dir():
            for path in runtime_dir.iterdir():
                with suppress(OSError):  # it vanished, or is none of ours
                    if input_channel(path.name) is not None and stat.S_ISFIFO(path.lstat().st_mode):
                        held.callback(os.close, os.open(path, _HOLD))
        yield held


async def _read_out(project: Project, held: ExitStack, *, everything: bool, say: Say) -> CcmuxError | None:
    """Take what stands in the pipes to the database, where nobody holds them or the keeper ends too.

    Returns why that failed; then the keeper, if there is one, stays.
    """
    failed: CcmuxError | None = None
    keeper = ProcessKeeper(project.paths.state_dir)
    try:
        if await keeper.connect() and not everything:
            return None
        await _take_rest(project, keeper, held, say)
    except* CcmuxError as errors:
        failed = first_of(errors)
    except* TimeoutError:
        failed = InputStays(READ_OUT_S)
    finally:
        keeper.close()
    return failed


async def _take_rest(project: Project, keeper: ProcessKeeper, held: ExitStack, say: Say) -> None:
    """Be the daemon's way in for a moment, end the keeper, and end as the daemon does."""
    settings, paths = project.settings, project.paths
    async with AsyncExitStack() as opened:
        runtime_dir = RuntimeDir(paths.runtime_dir, project=paths.project)
        opened.enter_context(runtime_dir.hold())
        files, hub = InotifyFileEvents(), Hub()
        opened.callback(files.close)
        store = await SqliteStore.open(
            paths.database, session=paths.project, clock=WallClock(), on_events=hub.publish
        )
        opened.push_async_callback(store.close)
        request_bytes = line_limit(settings.input.max_message_bytes)
        spool = opened.enter_context(Spool(paths.send_spool, files, max_file_bytes=request_bytes))
        intake = way_in(
            settings,
            paths,
            runtime_dir=runtime_dir,
            files=files,
            store=store,
            spool=spool,
            hub=hub,
            keeper=keeper,
        )
        async with asyncio.timeout(READ_OUT_S), asyncio.TaskGroup() as group:
            task = group.create_task(intake.run(), name="intake")
            await intake.in_place.wait()
            if await keeper.end():
                say("ended the keeper of the input FIFOs")
            held.close()  # from here on the doors of this intake are the only ones
            task.cancel()


def _running_claude(project: Project) -> _Claude | None:
    """Return the Claude that runs by the word of the daemon, or else of the database; None: nobody knows one.

    tmux is not asked: who has another TMUX_TMPDIR than the daemon sees another server.
    """
    processes = Processes()
    pid = project.claude_pid
    if pid is None:
        last = last_claude(project.paths.database)
        if last is None or processes.started_at(last[0]) > last[1] + CLOCK_S:
            return None  # that pid, if there is one, is somebody else's now
        pid = last[0]
    start_time = processes.start_time(pid)
    socket = (processes.environment(pid) or {}).get("TMUX", "").partition(",")[0]
    return _Claude(pid, start_time, socket) if socket else None


async def _end_claude(project: Project, say: Say) -> None:
    """End Claude's session, and wait for what ran in it."""
    session = project.paths.tmux_session
    server = TmuxServer(project.settings.tmux.socket)
    # This may run in that very session.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        pids = await server.kill_session(session)
        if pids:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLAUDE_S):
                    for pid in pids:
                        await Processes().wait_exit(pid)
            say(f"ended Claude's tmux session {session}")
    finally:
        server.close()
