"""The overseer as a program of its own: made, wired, and taken down in order. It decides nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ccmux import __version__
from ccmux.core.errors import CcmuxError, OverseerRefused, first_of
from ccmux.core.launch import SERVICE_VARIABLES
from ccmux.core.overseer.door import LOOPBACK, Door, Network
from ccmux.core.overseer.protocol import MESSAGE_BYTES
from ccmux.drivers.api_token import api_token
from ccmux.drivers.children import Nursery
from ccmux.drivers.clock import WallClock
from ccmux.drivers.event_log import EventLogFile
from ccmux.drivers.local_networks import local_networks
from ccmux.drivers.logs import logging_to
from ccmux.drivers.peer_user import user_of
from ccmux.drivers.sqlite import SqliteTasks
from ccmux.end_signals import when_told_to_end
from ccmux.http_server import HttpServer, listening_socket
from ccmux.services.overseer import Overseer, OverseerRoom
from ccmux.services.overseer.audience import BEHIND_BYTES
from ccmux.web.overseer_face import WEBSOCKET_PATH, build_face
from ccmux.websocket import Handshake, Lobby, Refusal

_HTTP_END_S = 3.0
"""How long clients may take to hear the end."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an overseer is to be.

    Attributes:
        host: Where it listens.
        port: Where it listens.
        database: Where tasks are kept.
        secrets_dir: Where the token is.
        command: The only command that may be started, "" any.
        log_file: Where events are written, None nowhere.
        networks: Who may come at all; None: this machine and the networks it is in.
        environment: What tasks inherit.

    """

    host: str
    port: int
    database: Path
    secrets_dir: Path
    command: str = ""
    log_file: Path | None = None
    networks: Sequence[Network] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def run(plan: Plan) -> int:
    """Run an overseer in the foreground until SIGTERM, SIGINT or SIGHUP; return 0 then.

    Raises:
        CcmuxError: It cannot start, or cannot go on.

    """
    with logging_to(None, journal=plan.environment.get("JOURNAL_STREAM", "")):
        try:
            asyncio.run(_live(plan))
        except* CcmuxError as group:
            raise first_of(group) from None
    return 0


async def _live(plan: Plan) -> None:
    stop = asyncio.Event()
    when_told_to_end(stop.set)
    async with AsyncExitStack() as opened:
        try:
            listening = listening_socket(plan.host, plan.port)
        except OSError as error:
            why = f"cannot listen on {plan.host}, port {plan.port}: {error.strerror}"
            raise OverseerRefused(
                why, "name another with --listen or --port (--port 0 is a free one)"
            ) from error
        opened.callback(listening.close)
        store = await SqliteTasks.open(plan.database)
        opened.push_async_callback(store.close)
        overseer = Overseer(
            children=Nursery(
                {name: value for name, value in plan.environment.items() if name not in SERVICE_VARIABLES},
                lock=plan.database.with_name(f"{plan.database.name}.lock"),
            ),
            store=store,
            clock=WallClock(),
            event_log=_event_log(plan, opened),
            pinned=plan.command,
        )
        refuse = _refusing(plan)
        lobby = Lobby(
            rooms={WEBSOCKET_PATH: OverseerRoom(overseer, refuse)},
            message_bytes=MESSAGE_BYTES,
            behind_bytes=BEHIND_BYTES,
        )
        http = HttpServer(build_face(overseer.told, refuse), listening, asyncio.Event(), lobby=lobby)
        async with asyncio.TaskGroup() as group:
            supervising = group.create_task(overseer.run(), name=overseer.name)
            serving = group.create_task(http.run(), name=http.name)
            port = listening.getsockname()[1]
            started = group.create_task(_say_started(plan, port, overseer, http), name="started")
            await stop.wait()
            log.info("overseer stopping")
            started.cancel("shutdown")
            # First the tasks: clients hear how each of them ends.
            supervising.cancel("shutdown")
            await asyncio.wait({supervising})
            serving.cancel("shutdown")
            await asyncio.wait({serving}, timeout=_HTTP_END_S)
    log.info("overseer stopped", pid=os.getpid())


async def _say_started(plan: Plan, port: int, overseer: Overseer, http: HttpServer) -> None:
    await overseer.in_place.wait()
    await http.in_place.wait()
    log.info("overseer started", version=__version__, pid=os.getpid(), host=plan.host, port=port)


def _event_log(plan: Plan, opened: AsyncExitStack) -> EventLogFile | None:
    if plan.log_file is None:
        return None
    try:
        event_log = EventLogFile(plan.log_file)
    except OSError as error:
        raise OverseerRefused(f"{plan.log_file}: {error.strerror}", "name another file for events") from error
    opened.callback(event_log.close)
    return event_log


def _refusing(plan: Plan) -> _Doorkeeper:
    networks = plan.networks if plan.networks is not None else (*LOOPBACK, *local_networks())
    return _Doorkeeper(Door(networks=networks, token=api_token(plan.secrets_dir).encode()))


class _Doorkeeper:
    """Asks the door, with what a handshake says and the kernel knows."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, handshake: Handshake) -> Refusal | None:
        found = self._door.refusal(
            address=handshake.address,
            hosts=handshake.values("host"),
            origins=handshake.values("origin"),
            authorizations=handshake.values("authorization"),
            is_ours=lambda: user_of(handshake.address, handshake.port) in {os.geteuid(), 0},
        )
        return None if found is None else Refusal(*found)
