"""The HTTP side of an overseer that is a program of its own: health, figures, and a word for who is lost."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from ccmux.core.overseer.counts import CONTENT_TYPE
from ccmux.websocket import Handshake, Refusal

WEBSOCKET_PATH = "/ws"

Refuse = Callable[[Handshake], Refusal | None]


def build_face(told: Callable[[], str], refuse: Refuse) -> ASGIApp:
    """Return the application; `told` gives the figures, to whom `refuse` does not refuse."""

    async def face(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"] == "/healthz":
            await _answer(send, 200, b'{"ok":true}')
        elif (refusal := refuse(_handshake(scope))) is not None:
            await _answer(send, refusal.status, _error(refusal.sentence))
        elif scope["path"] == "/metrics":
            await _answer(send, 200, told().encode(), CONTENT_TYPE)
        elif scope["path"] == WEBSOCKET_PATH:
            await _answer(send, 426, _error("this is a WebSocket: ask for an upgrade"))
        else:
            await _answer(send, 404, _error("there are /ws, /metrics and /healthz"))

    return face


def _handshake(scope: Scope) -> Handshake:
    address, port = scope["client"] or ("", 0)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Handshake(path=scope["path"], headers=headers, address=address, port=port)


def _error(sentence: str) -> bytes:
    return json.dumps({"error": sentence}).encode()


async def _answer(send: Send, status: int, body: bytes, kind: str = "application/json") -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    """Begin and end when asked to: there is nothing to do for either."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
