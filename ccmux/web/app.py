"""The daemon's HTTP face as one ASGI application: which path leads where. It holds no state of its own.

MCP is served twice: stateless streamable HTTP at `/mcp`, where a restart of the daemon needs nothing of
Claude, and at `/sse` for clients that know only the older transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccmux.core.overseer.counts import CONTENT_TYPE
from ccmux.ports import Channels
from ccmux.web.guard import OPEN_PATH, Guard
from ccmux.web.mcp_tools import build_server


def build_app(
    *, channels: Channels, figures: Callable[[], str], token: str, port: int, stopping: asyncio.Event
) -> ASGIApp:
    """Return the application, good for one run of a server.

    Args:
        channels: The way out.
        figures: What Prometheus reads.
        token: What `Authorization: Bearer` must carry.
        port: The port it is served on; Host and Origin must name it.
        stopping: Set when the server is about to stop; open streams end then.

    """
    mcp = build_server(channels)
    manager = StreamableHTTPSessionManager(mcp, json_response=True, stateless=True)
    older = SseServerTransport("/messages/")

    def lifespan(_app: Starlette) -> AbstractAsyncContextManager[None]:
        return manager.run()

    async def metrics(_request: Request) -> Response:
        return Response(figures(), media_type=CONTENT_TYPE)

    routes = [
        Route(OPEN_PATH, _healthz),
        Route("/metrics", metrics),
        # No GET: there is no stream to open, a client asks and is answered.
        Route("/mcp", StreamableHTTPASGIApp(manager), methods=["POST"]),
        Route("/sse", EndsWhenStopping(_OlderTransport(older, mcp), stopping), methods=["GET"]),
        Mount("/messages/", older.handle_post_message),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), token=token, port=port)


class EndsWhenStopping:
    """Around an endpoint that streams until its client goes: ends it in order when the server stops.

    The endpoint hears then that its client has gone (`http.disconnect`); the client gets a whole response.
    """

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the endpoint or the server is done."""
        begun = False
        ended = False

        async def heard() -> Message:
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(_coroutine(receive()), name="hear the client")
                stopping = group.create_task(self._stopping.wait(), name="end of stream")
                await asyncio.wait({hearing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                hearing.cancel()
                stopping.cancel()
            return {"type": "http.disconnect"} if hearing.cancelled() else hearing.result()

        async def said(message: Message) -> None:
            nonlocal begun, ended
            begun = begun or message["type"] == "http.response.start"
            ended = ended or (message["type"] == "http.response.body" and not message.get("more_body", False))
            await send(message)

        await self._app(scope, heard, said)
        if begun and not ended:
            await send({"type": "http.response.body", "body": b""})


async def _coroutine(answer: Awaitable[Message]) -> Message:
    """Return what `answer` gives: ASGI's callables are awaitables, and tasks want coroutines."""
    return await answer


class _OlderTransport:
    """HTTP with server-sent events: one stream, one session."""

    def __init__(self, transport: SseServerTransport, mcp: Server[Any]) -> None:
        self._transport = transport
        self._mcp = mcp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._transport.connect_sse(scope, receive, send) as (read, write):
            await self._mcp.run(read, write, self._mcp.create_initialization_options())


async def _healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"ok": True})
