"""A relay on a real loopback port, and clients of it."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from ccmux.relay.server import Relay, Terms

KEY = "the-key"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
LIMIT_S = 30.0

P = ParamSpec("P")


def story(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test in a loop of its own, for so long at the most."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            async with asyncio.timeout(LIMIT_S):
                await test(*args, **kwargs)

        asyncio.run(main())

    return run


@dataclass
class Served:
    """A relay that runs: `end` it as SIGTERM does."""

    relay: Relay
    ending: asyncio.Event
    task: asyncio.Task[None]
    http: httpx2.AsyncClient
    trusted: ssl.SSLContext | None

    @property
    def port(self) -> int:
        return self.relay.port

    async def end(self) -> None:
        self.ending.set()
        await asyncio.wait({self.task})

    async def beat(self, *ids: str, source: str | None = None, **keys: Any) -> httpx2.Response:
        """Report these sessions."""
        body = {"sessions": [{"session_id": id_, **keys} for id_ in ids], "source": source}
        return await self.http.post("/api/live/heartbeat", json=body, headers=AUTHORIZED)

    async def stop(self, source: str | None = None) -> httpx2.Response:
        return await self.http.post("/api/live/stop", json={"source": source}, headers=AUTHORIZED)

    def viewer(self, *, name: str = "127.0.0.1", **more: Any) -> connect:
        """Return what connects a viewer, who knows the relay by this name."""
        scheme = "wss" if self.trusted else "ws"
        if self.trusted:
            more["ssl"] = self.trusted
        uri = f"{scheme}://{name}:{self.port}/ws/live"
        return connect(uri, host="127.0.0.1", port=self.port, proxy=None, **more)

    async def number(self, name: str) -> int:
        """Return what /metrics says of a name; 0 where it says nothing."""
        for line in (await self.http.get("/metrics")).text.splitlines():
            if line.startswith(f"ccmux_relay_{name} "):
                return int(line.split()[1])
        return 0

    async def until_number(self, name: str, value: int) -> None:
        while await self.number(name) != value:  # noqa: ASYNC110 - it is asked over HTTP
            await asyncio.sleep(0.05)


def terms(**more: Any) -> Terms:
    """Return the terms of a relay on a free port of loopback."""
    plain: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "viewers": 100, "viewers_an_address": 50}
    return Terms(**(plain | more))


@asynccontextmanager
async def serving(*, trusted: ssl.SSLContext | None = None, **more: Any) -> AsyncGenerator[Served]:
    """Serve a relay; `trusted` is what a client believes where the terms have a certificate."""
    relay = Relay(terms(**more), key=KEY)
    scheme = "https" if trusted else "http"
    http = httpx2.AsyncClient(
        base_url=f"{scheme}://127.0.0.1:{relay.port}",
        timeout=LIMIT_S,
        trust_env=False,
        verify=trusted or True,
    )
    ending = asyncio.Event()
    async with http, asyncio.TaskGroup() as group:
        served = Served(relay, ending, group.create_task(relay.serve(ending)), http, trusted)
        try:
            yield served
        finally:
            await served.end()


async def board(viewer: ClientConnection) -> dict[str, Any]:
    """Return what a viewer is shown next, of sessions their ids alone."""
    shown: dict[str, Any] = json.loads(await viewer.recv())
    sessions = shown["sessions"]
    return shown | {"sessions": sessions and [session["session_id"] for session in sessions]}


def error(answer: httpx2.Response) -> str:
    """Return the sentence of a refusal."""
    said: dict[str, str] = answer.json()
    assert set(said) == {"error"}
    return said["error"]
