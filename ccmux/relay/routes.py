"""The relay's HTTP as one ASGI application: which path leads where. It holds no state of its own.

Every refusal is JSON with a sentence that says the way out. A method that a path does not have is refused
before the key is asked for, as older relays do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccmux.core.live_board import BODY_BYTES, EXPIRY_S, Body, Heartbeat, Stop, read_body
from ccmux.relay.counts import MEDIA_TYPE, Counts
from ccmux.relay.desk import Desk
from ccmux.relay.door import Coming, Door
from ccmux.relay.page import page_routes

VIEWERS_PATH: Final = "/ws/live"

BODY_S: Final = 10.0
"""A body must come in whole within this."""

_LAST = {"Connection": "close"}
"""What is left of the body is not waited for."""


def build_app(*, door: Door, desk: Desk, counts: Counts) -> ASGIApp:
    """Return the application, good for one run of a server."""

    async def heartbeat(request: Request) -> Response:
        coming, said = await _reported(request, Heartbeat)
        if not desk.heartbeat(coming.address, said):
            raise _refused(429, "too many sources report; stop one", {"Retry-After": f"{EXPIRY_S:.0f}"})
        return JSONResponse({"ok": True})

    async def stop(request: Request) -> Response:
        coming, said = await _reported(request, Stop)
        desk.stop(coming.address, said)
        return JSONResponse({"ok": True})

    async def metrics(_request: Request) -> Response:
        return Response(counts.text(desk.numbers()), media_type=MEDIA_TYPE)

    routes = [
        Route("/api/live/heartbeat", heartbeat, methods=["POST"]),
        Route("/api/live/stop", stop, methods=["POST"]),
        Route(VIEWERS_PATH, _no_upgrade, methods=["GET"]),
        Route("/healthz", _healthz),
        Route("/metrics", metrics),
        *page_routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _as_json})
    return _Threshold(app, door, counts)


class _Threshold:
    """Around the application: who comes is looked at, and sent away where it comes too often."""

    def __init__(self, app: ASGIApp, door: Door, counts: Counts) -> None:
        self._app = app
        self._door = door
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        coming = self._door.comes(
            (scope["client"] or ("",))[0],
            forwarded_for=headers.getlist("x-forwarded-for"),
            authorization=headers.get("authorization", ""),
        )

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                self._counts.refused[message["status"]] += 1
            await send(message)

        if coming.wait_s:
            says = f"too many requests from your address; try again in {coming.wait_s} s"
            refusal = _sentence(HTTPStatus.TOO_MANY_REQUESTS, says, {"Retry-After": str(coming.wait_s)})
            await refusal(scope, receive, counted)
        else:
            scope["ccmux.coming"] = coming
            await self._app(scope, receive, counted)


async def _reported(request: Request, shape: type[Body]) -> tuple[Coming, Body]:
    """Return who reports, and what; raises HTTPException where it may not, or what it says cannot be read."""
    coming: Coming = request.scope["ccmux.coming"]
    if not coming.has_key:
        way_out = "send 'Authorization: Bearer KEY' with the relay's CC_LIVE_API_KEY"
        raise _refused(401, way_out, {"WWW-Authenticate": "Bearer"})
    said = read_body(await _body(request), shape)
    if isinstance(said, str):
        raise _refused(400, said)
    return coming, said


async def _body(request: Request) -> bytes:
    """Return the body; what is too long or too slow is not read to its end."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES:
                    raise _refused(413, f"the body must have at most {BODY_BYTES} bytes", _LAST)
    except TimeoutError:
        raise _refused(408, f"the body must come in {BODY_S:.0f} s", _LAST) from None
    except ClientDisconnect:
        raise _refused(400, "the body must come in whole") from None
    return bytes(body)


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _no_upgrade(_request: Request) -> Response:
    raise _refused(426, "connect with a WebSocket", {"Upgrade": "websocket", "Connection": "Upgrade"})


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> HTTPException:
    return HTTPException(status, sentence, headers)


def _sentence(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, dict(headers or {}))


async def _as_json(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)  # noqa: S101 - tells the type
    says = _PLAIN.get(refusal.status_code, refusal.detail)
    return _sentence(refusal.status_code, says, refusal.headers)


_PLAIN = {404: "nothing is here; the page is at /", 405: "this path does not take that method"}
"""What the router refuses itself."""
