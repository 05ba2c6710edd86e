"""The house: makes drivers and services, wires them by constructor, runs them, takes them down in order."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from ccmux import __version__
from ccmux.app.live import find_live, share, wants_live
from ccmux.app.starter import Starter
from ccmux.app.way_in import way_in
from ccmux.core.control import line_limit, refusal
from ccmux.core.errors import ClaudeNotFound
from ccmux.core.failpoints import Failpoint
from ccmux.core.launch import SERVICE_VARIABLES
from ccmux.core.overseer.protocol import MESSAGE_BYTES
from ccmux.core.overseer.standing import standing
from ccmux.core.prompt import InjectionLimits
from ccmux.core.settings import CONFIG_VARIABLE, ClaudeSettings
from ccmux.drivers.api_token import api_token
from ccmux.drivers.children import Nursery
from ccmux.drivers.claude_home import ClaudeHome
from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.keeper import ProcessKeeper
from ccmux.drivers.keepers import Keepers
from ccmux.drivers.kill_at import KillAt
from ccmux.drivers.line_server import LineServer
from ccmux.drivers.long_messages import LongMessageFiles
from ccmux.drivers.output_fifos import OutputFifos
from ccmux.drivers.processes import Processes
from ccmux.drivers.runtime_dir import RuntimeDir
from ccmux.drivers.spool import Spool
from ccmux.drivers.sqlite import SqliteStore, SqliteTasks
from ccmux.drivers.state_dir import make_private
from ccmux.drivers.subscribers import Subscribers
from ccmux.drivers.systemd.fd_store import FdStore
from ccmux.drivers.systemd.notify import Notify
from ccmux.drivers.systemd.scope import Scopes
from ccmux.drivers.tail import FileTail
from ccmux.drivers.tmux import ClaudePane, TmuxServer
from ccmux.end_signals import when_told_to_end
from ccmux.http_server import HttpServer
from ccmux.paths import Paths, claude_paths
from ccmux.place import Place
from ccmux.ports import go_on
from ccmux.services.control import Control
from ccmux.services.dispatcher import Dispatcher, DispatcherSettings
from ccmux.services.housekeeping import Housekeeping
from ccmux.services.hub import Hub
from ccmux.services.keeping import Keeping
from ccmux.services.lifecycle import Lifecycle, RecoverySettings
from ccmux.services.observer import Observer
from ccmux.services.outbox import Outbox
from ccmux.services.overseer import Overseer, OverseerRoom
from ccmux.services.overseer.audience import BEHIND_BYTES
from ccmux.services.permissions import Permissions
from ccmux.services.presence import Presence
from ccmux.services.publisher import Publisher
from ccmux.services.turns import Turns
from ccmux.web.app import build_app
from ccmux.web.guard import Rules
from ccmux.web.server import listen
from ccmux.websocket import Lobby

GRACE_S = 4.0
"""How long all services together may take to end one after the other: the promise is 5 s after SIGTERM."""

TASKS_END_S = 2.0
"""How long the overseer's tasks may take of that; the nursery ends in any case those that take longer."""

OVERSEER_PATH = "/ws/overseer"

HOOK_FILE_BYTES = 64 * 1_048_576
"""A hook payload carries a tool's input or Claude's last message: megabytes at the most."""

log = structlog.get_logger()


class Service(Protocol):
    """One long-lived task; it runs until it is cancelled."""

    @property
    def name(self) -> str:
        """Name of the task."""
        ...

    async def run(self) -> None:
        """Run until cancelled."""
        ...


class House:
    """The daemon of one project."""

    def __init__(
        self,
        place: Place,
        *,
        demo: bool,
        tmux_cores: tuple[int, int],
        started: Callable[[], None],
        failpoint: Failpoint | None = None,
    ) -> None:
        """Take what is needed; nothing is opened yet.

        Args:
            place: The project's; each service gets its own table of the settings.
            demo: Host the demo agent in Claude's place.
            tmux_cores: How large a core of what runs in tmux may be (RLIMIT_CORE), whatever ours may.
            started: Called when all could be opened.
            failpoint: Where a test lets the daemon die.
        """
        settings, paths = place.settings, place.paths
        self._settings = replace(settings, claude=_demo(settings.claude, paths)) if demo else settings
        self._paths = paths
        self._config = place.config
        self._trouble = place.trouble
        self._started = started
        self._demo = demo
        self._tmux_cores = tmux_cores
        self._reached = go_on if failpoint is None else KillAt(failpoint)
        self._cwd = Path.cwd()

    async def live(self) -> None:
        """Run until SIGTERM, SIGINT or SIGHUP.

        Raises:
            CcmuxError: It cannot start.
            BaseExceptionGroup: A service failed.
        """
        stop = asyncio.Event()
        when_told_to_end(stop.set)
        runtime_dir = RuntimeDir(self._paths.runtime_dir, project=self._paths.project)
        async with AsyncExitStack() as opened:
            opened.enter_context(runtime_dir.hold())
            services = await self._furnish(opened, runtime_dir, stop)
            self._started()
            log.info("daemon started", version=__version__, pid=os.getpid(), demo=self._demo)
            await _run_until(stop, services)
        log.info("daemon stopped", pid=os.getpid())

    async def _furnish(
        self, opened: AsyncExitStack, runtime_dir: RuntimeDir, stop: asyncio.Event
    ) -> list[Service]:
        """Open everything and return the services, upstream first."""
        settings, paths = self._settings, self._paths
        token = api_token(paths.secrets_dir)
        listening = listen(settings.mcp.port)
        opened.callback(listening.close)
        clock, hub = WallClock(), Hub()
        files = InotifyFileEvents()
        opened.callback(files.close)
        store = await SqliteStore.open(
            paths.database, session=paths.project, clock=clock, on_events=hub.publish
        )
        opened.push_async_callback(store.close)
        scopes = Scopes.found(os.environ, pid=os.getpid(), project=paths.project)
        tmux = TmuxServer(
            settings.tmux.socket,
            environment={name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES},
            limits={resource.RLIMIT_CORE: self._tmux_cores},
            **({} if scopes is None else {"ways": scopes.ways}),
        )
        opened.callback(tmux.close)
        pane = ClaudePane(tmux, paths.tmux_session, cwd=str(self._cwd))
        opened.push_async_callback(pane.close)
        stored = FdStore.found(os.environ, pid=os.getpid())
        if stored is not None:
            opened.callback(stored.close)
        keeper = ProcessKeeper(paths.state_dir)
        opened.callback(keeper.close)
        await keeper.connect()
        processes = Processes()
        claudes_environment = {**os.environ, **settings.claude.env}
        home = ClaudeHome(claude_paths(claudes_environment), events=files)
        starter = Starter(
            settings=settings.claude,
            paths=paths,
            home=home,
            inherited=dict(os.environ),
            token=token,
            port=settings.mcp.port,
            cwd=self._cwd,
        )
        await _expect_claude(starter, tmux, paths.tmux_session)
        hooks = Spool(paths.hook_spool, files, max_file_bytes=HOOK_FILE_BYTES)
        request_bytes = line_limit(settings.input.max_message_bytes)
        sent = Spool(paths.send_spool, files, max_file_bytes=request_bytes)
        opened.enter_context(hooks)
        opened.enter_context(sent)

        turns = Turns(
            store=store,
            sightings=hub,
            tail=FileTail(files),
            clock=clock,
            continue_crashed=settings.recovery.continue_crashed,
            reached=self._reached,
        )
        dispatcher = Dispatcher(
            store=store,
            sightings=hub,
            pane=pane,
            clock=clock,
            long_messages=LongMessageFiles(paths.long_messages),
            settings=DispatcherSettings(
                idle_threshold_s=settings.timing.idle_threshold,
                silence_s=settings.timing.silence_timeout,
                draft_patience_s=settings.timing.draft_patience_s,
                limits=InjectionLimits(
                    batch_messages=settings.injection.batch_messages,
                    batch_chars=settings.injection.batch_chars,
                    inline_chars=settings.injection.inline_chars,
                ),
            ),
            suspended=lambda pid: processes.state(pid) == "T",
            reached=self._reached,
        )
        lifecycle = Lifecycle(
            store=store,
            sightings=hub,
            terminal=pane,
            processes=processes,
            transcripts=home,
            prepare=starter.prepare,
            new_id=lambda: str(uuid.uuid4()),
            settings=RecoverySettings(
                backoff_initial_s=settings.recovery.backoff_initial,
                backoff_cap_s=settings.recovery.backoff_cap,
                reset_after_s=settings.recovery.reset_after_s,
            ),
            cwd=str(self._cwd),
        )
        outbox = Outbox(
            store=store,
            outputs=OutputFifos(paths.runtime_dir, files),
            clock=clock,
            reached=self._reached,
        )
        stopping = asyncio.Event()
        overseer = await self._overseer(opened)
        web = build_app(
            channels=outbox,
            figures=overseer.told,
            token=token,
            port=settings.mcp.port,
            stopping=stopping,
        )
        lobby = Lobby(
            rooms={OVERSEER_PATH: OverseerRoom(overseer, Rules(token=token, port=settings.mcp.port).refuse)},
            message_bytes=MESSAGE_BYTES,
            behind_bytes=BEHIND_BYTES,
        )
        control_socket = LineServer(paths.control_sock, line_limit=request_bytes, refusal=refusal)
        control_socket.bind()
        control = Control(
            socket_path=paths.control_sock,
            listener=control_socket,
            files=files,
            store=store,
            sightings=hub,
            dispatching=dispatcher,
            clock=clock,
            project=paths.project,
            version=__version__,
            max_line_bytes=settings.input.max_message_bytes,
            runs=store.runs,
            sent_before=sent.done_so_far,
            more_status=lambda: {
                **self._more_status(lifecycle),
                "tmux_socket": str(tmux.socket_path),
                "keeper": _keeper_word(stored=stored is not None, process=keeper.connected),
                "trouble": store.trouble,
            },
        )
        subscribers = Subscribers(
            paths.output_sock,
            backlog_bytes=settings.output.backlog_bytes,
            read_page=store.events_since,
            last_seq=await store.last_seq(),
        )
        keeping = Keeping(process=keeper, start=tmux.run_detached)
        intake = way_in(
            settings,
            paths,
            runtime_dir=runtime_dir,
            files=files,
            store=store,
            spool=sent,
            hub=hub,
            keeper=keeper if stored is None else Keepers(stored, keeper),
            keeper_is_there=keeping.first if stored is None else None,
            reached=self._reached,
        )
        http = HttpServer(web, listening, stopping, lobby=lobby)
        manager = Notify.found(os.environ, pid=os.getpid())
        opened.callback(manager.close)
        presence = Presence(
            manager=manager,
            book=store,
            dispatching=dispatcher,
            following=hub.following,
            in_place=[intake.in_place, control.in_place, http.in_place],
            stopping=stop,
            remark="" if self._trouble is None else "ccmux.toml is wrong, older settings are used",
        )
        return [
            intake,
            control,
            Observer(sightings=hub, hooks=hooks, registry=home, processes=processes),
            turns,
            Permissions(store=store, sightings=hub, new_id=lambda: secrets.token_hex(8)),
            dispatcher,
            lifecycle,
            overseer,
            http,
            outbox,
            Publisher(socket=subscribers, events=hub, files=files, folder=str(paths.runtime_dir)),
            Housekeeping(
                store=store, events_days=settings.output.keep_events, keys_days=settings.input.remember_ids
            ),
            keeping,
            *self._live(hub, files, clock, claudes_environment),
            presence,
        ]

    def _live(
        self, hub: Hub, files: InotifyFileEvents, clock: WallClock, environment: Mapping[str, str]
    ) -> list[Service]:
        """Return our part in live status, where a relay is to hear of it."""
        if not wants_live(self._settings.live, os.environ):
            return []
        live = find_live(self._settings.live, os.environ)
        if not live.is_wanted:
            log.warning("live status has no key", path=str(live.paths.api_key))
            return []
        cwd = str(self._cwd)
        return [share(live, sightings=hub, files=files, clock=clock, cwd=cwd, environment=environment)]

    async def _overseer(self, opened: AsyncExitStack) -> Overseer:
        """Return what keeps the tasks of the settings running, and those that clients start."""
        store = await SqliteTasks.open(self._paths.overseer_database)
        opened.push_async_callback(store.close)
        inherited = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
        # Programs of ours are found also where the daemon was started by its path.
        ours = str(Path(sys.executable).parent)
        lock = self._paths.overseer_database.with_name("overseer.db.lock")
        return Overseer(
            children=Nursery(
                {
                    **inherited,
                    "PATH": f"{inherited.get('PATH', os.defpath)}:{ours}",
                    **({CONFIG_VARIABLE: str(self._config)} if self._config.exists() else {}),
                },
                lock=lock,
            ),
            store=store,
            clock=WallClock(),
            standing=standing(self._settings.overseer_tasks),
            end_s=TASKS_END_S,
        )

    def _more_status(self, lifecycle: Lifecycle) -> Mapping[str, Any]:
        return {
            "tmux": self._paths.tmux_session,
            "restarts": lifecycle.restarts,
            "early_ends": lifecycle.early_ends,
            "demo": self._demo,
            "port": self._settings.mcp.port,
            "settings": None
            if self._trouble is None
            else {"wrong": list(self._trouble.problems), "used_since": round(self._trouble.kept_at_s, 3)},
        }


async def _run_until(stop: asyncio.Event, services: list[Service]) -> None:
    """Run the services until `stop`; then end them, upstream first, so that nothing is stranded."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run(), name=service.name) for service in services]
        await stop.wait()
        log.info("daemon stopping")
        until_s = asyncio.get_running_loop().time() + GRACE_S
        for task in tasks:
            task.cancel("shutdown")
            rest_s = max(0.0, until_s - asyncio.get_running_loop().time())
            await asyncio.wait({task}, timeout=rest_s)


async def _expect_claude(starter: Starter, tmux: TmuxServer, session: str) -> None:
    """Refuse a start that has no Claude to host and none to start, before anything is made in tmux."""
    try:
        starter.find_program()
    except ClaudeNotFound:
        if not await tmux.hosts(session):
            raise


def _keeper_word(*, stored: bool, process: bool) -> str:
    """Return who holds the input FIFOs beyond our end."""
    words = [*(["systemd"] if stored else []), *(["process"] if process else [])]
    return "+".join(words) or "none"


def _demo(claude: ClaudeSettings, paths: Paths) -> ClaudeSettings:
    """Put the demo agent in Claude's place, with a folder of its own for what Claude keeps in ~/.claude."""
    home = paths.state_dir / "demo"
    make_private(home)
    return replace(
        claude,
        command=(sys.executable, "-m", "ccmux.demo"),
        env={**claude.env, "CLAUDE_CONFIG_DIR": str(home)},
    )
