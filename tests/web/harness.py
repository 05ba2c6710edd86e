"""The HTTP face on a real loopback port, and a way out that remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from ccmux.http_server import HttpServer
from ccmux.ports import ChannelInfo, Channels, SendOutcome, SendResult
from ccmux.web.app import build_app
from ccmux.web.server import listen, port_of

TOKEN = "a-token"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class FakeChannels:
    """The port Channels: answers `result` (or raises it), remembers the calls."""

    result: SendResult | Exception = field(default_factory=lambda: SendResult(outcome=SendOutcome.DELIVERED))
    known: Sequence[ChannelInfo] = ()
    calls: list[tuple[str, str, str | None]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, channel: str, message: str, *, key: str | None) -> SendResult:
        self.calls.append((channel, message, key))
        self.called.set()
        if self.hold is not None:
            await self.hold.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def infos(self) -> Sequence[ChannelInfo]:
        return self.known


@dataclass
class Served:
    """A running server: `stop` it as the daemon does."""

    port: int
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        if not self.task.cancelling():
            self.task.cancel()
        await asyncio.wait({self.task})


@asynccontextmanager
async def serving(channels: Channels, port: int = 0) -> AsyncIterator[Served]:
    """Serve the application; whatever is still open when the block ends must be closed within 5 seconds."""
    sock = listen(port)
    stopping = asyncio.Event()
    app = build_app(
        channels=channels,
        figures=lambda: "figure 7\n",
        token=TOKEN,
        port=port_of(sock),
        stopping=stopping,
    )
    async with asyncio.TaskGroup() as group:
        served = Served(port_of(sock), group.create_task(HttpServer(app, sock, stopping).run()))
        try:
            yield served
        finally:
            async with asyncio.timeout(5):
                await served.stop()


def browser(served: Served, *, authorized: bool = True) -> httpx2.AsyncClient:
    """Return an HTTP client that follows nothing and waits for nothing long."""
    return httpx2.AsyncClient(
        base_url=served.url, headers=AUTHORIZED if authorized else {}, timeout=10, trust_env=False
    )
