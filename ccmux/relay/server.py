"""The relay as a whole: makes and wires everything, listens, and ends in order when it is told to.

It hears SIGTERM, SIGINT and SIGHUP; each ends it with goodbyes to all viewers.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from ccmux.core.allowance import Places
from ccmux.core.errors import RelayRefused
from ccmux.core.visitors import Admission, Networks, counted_as, is_in, is_loopback
from ccmux.end_signals import when_told_to_end
from ccmux.http_server import HttpServer, HurriedProtocol, listening_socket
from ccmux.relay.counts import Counts
from ccmux.relay.desk import Desk
from ccmux.relay.door import Door
from ccmux.relay.routes import VIEWERS_PATH, build_app
from ccmux.relay.viewers import Viewers
from ccmux.websocket import Lobby

GRACE_S: Final = 3
"""How long goodbyes may take; longer than a viewer that does not answer its own is given."""

REQUESTS: Final = 1_000
"""Connections at once that are no viewers'."""

REQUESTS_AN_ADDRESS: Final = 100
"""Of these, from one address that is no named proxy."""

_OTHER_FILES: Final = 64
"""Descriptors that are no connections."""

_KEY_CHARS: Final = 16
"""A shorter key can be guessed."""

_KERNEL_BYTES: Final = 65_536
"""What the kernel keeps for one that does not read. It would grow to megabytes for each."""

_MESSAGE_BYTES: Final = 1_024
"""The longest that a viewer may say; what it says is not listened to."""

log = structlog.get_logger()

# Anybody can send what is no HTTP: a line for each would fill the disk.
logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a relay is run.

    Attributes:
        host: Name or address to listen on.
        port: TCP port; 0 is a free one.
        origins: Other sites whose pages may look; "*" is all.
        proxies: Those whose word on addresses is believed.
        viewers: At once.
        viewers_an_address: Of these, from one address.
        certificate: Paths of certificate and key, for TLS.

    """

    host: str
    port: int
    origins: frozenset[str] = frozenset()
    proxies: Networks = ()
    viewers: int
    viewers_an_address: int
    certificate: tuple[str, str] | None = None


class Relay:
    """One relay; it listens from the moment it is made."""

    def __init__(self, terms: Terms, *, key: str) -> None:
        """Listen.

        Raises:
            RelayRefused: It cannot listen there, or certificate and key are none.

        """
        _try_certificate(terms)
        self._terms = terms
        self._key = key
        self._viewers = _raise_file_limit(terms.viewers)
        self._socket = _listen(terms)
        self.port: int = self._socket.getsockname()[1]

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP."""
        ending = asyncio.Event()
        when_told_to_end(ending.set)
        await self.serve(ending)

    async def serve(self, ending: asyncio.Event) -> None:
        """Serve until `ending` is set."""
        loop = asyncio.get_running_loop()
        terms = self._terms
        counts = Counts()
        requests = Places(total=REQUESTS, an_address=REQUESTS_AN_ADDRESS)
        door = Door(key=self._key, proxies=terms.proxies, clock=loop.time)
        viewers = Viewers(
            door=door,
            admission=Admission(origins=terms.origins, is_local=is_loopback(terms.host)),
            places=Places(total=self._viewers, an_address=terms.viewers_an_address),
            counts=counts,
            clock=loop.time,
        )
        desk = Desk(viewers, door, counts)
        lobby = Lobby(rooms={VIEWERS_PATH: viewers}, message_bytes=_MESSAGE_BYTES)
        server = HttpServer(
            build_app(door=door, desk=desk, counts=counts),
            self._socket,
            asyncio.Event(),
            lobby=lobby,
            protocol=partial(_Connection, self._viewers + REQUESTS, requests, terms.proxies),
            grace_s=GRACE_S,
            certificate=terms.certificate,
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.run(), name=part.name) for part in (server, desk)]
            await server.in_place.wait()
            log.info("relay listens", host=terms.host, port=self.port, viewers=self._viewers)
            if len(self._key) < _KEY_CHARS:
                log.warning(
                    "the key is so short that it can be guessed",
                    fewest_characters=_KEY_CHARS,
                    way_out="make a longer one: ccmux-relay --help says how",
                )
            await ending.wait()
            log.info("relay ends", viewers=len(viewers))
            for task in tasks:
                task.cancel()


class _Connection(HurriedProtocol):
    """A connection that is no viewer's yet: not too many of these, from nowhere too many, none for long."""

    answers_end = True

    def __init__(self, most: int, places: Places, proxies: Networks, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.most_connections = most
        self._places = places
        self._proxies = proxies
        self._counted = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        # What a named proxy brings is counted one by one.
        address = f"{peer} {id(self)}" if is_in(peer, self._proxies) else counted_as(peer)
        if self._places.refusal(address):
            transport.abort()
        else:
            self._places.take(address)
            self._counted = address

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._give_back()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_back()
        super().connection_lost(exc)

    def _give_back(self) -> None:
        if self._counted:
            self._places.give_back(self._counted)
            self._counted = ""


def _listen(terms: Terms) -> socket.socket:
    try:
        sock = listening_socket(terms.host, terms.port)
    except OSError as error:
        where = f"{terms.host} port {terms.port}"
        reason = f"cannot listen on {where}: {error.strerror or error}"
        raise RelayRefused(reason, "name another with --host or --port (--port 0 is a free one)") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)  # what is accepted has it too
    return sock


def _try_certificate(terms: Terms) -> None:
    if terms.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*terms.certificate)
    except OSError as error:  # ssl.SSLError is one
        reason = f"certificate and key cannot be used: {error.strerror or error}"
        raise RelayRefused(
            reason, "give --certfile and --keyfile in PEM, the key of that certificate"
        ) from error


def _raise_file_limit(viewers: int) -> int:
    """Let this program open as many files as viewers need; return how many viewers there can be."""
    others = REQUESTS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < viewers + others:
        log.warning(
            "fewer viewers than asked for: ulimit -n is the limit", viewers=hard - others, asked=viewers
        )
        viewers = hard - others
    if viewers < 1:
        raise RelayRefused(
            f"only {hard} files may be open here", f"raise that limit above {others}: ulimit -n"
        )
    if soft != resource.RLIM_INFINITY and soft < viewers + others:
        resource.setrlimit(resource.RLIMIT_NOFILE, (viewers + others, hard))
    return viewers
