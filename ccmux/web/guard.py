"""Decides who may speak HTTP or WebSocket with the daemon. It serves nothing itself.

The port is open to every user and every web page on this machine, so three things are asked: Host is
loopback and ours (against DNS rebinding), a present Origin is our own (against other pages), and the token.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ccmux.websocket import Handshake, Refusal

OPEN_PATH = "/healthz"
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT = 80
_WEBSOCKET_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1


class Rules:
    """What is asked of a request or handshake, whoever serves it."""

    def __init__(self, *, token: str, port: int) -> None:
        self._token = token.encode()
        hosts = {f"{name}:{port}" for name in _LOOPBACK_NAMES}
        if port == _HTTP_PORT:  # browsers leave the scheme's own port out
            hosts.update(_LOOPBACK_NAMES)
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)

    def refusal(self, values: Callable[[str], list[str]], *, is_open: bool = False) -> Refusal | None:
        """Return why it is refused, None where it is not.

        Args:
            values: Returns all values of a header, by its name in lower case.
            is_open: No token is needed.

        """
        if [host.lower() for host in values("host")] not in [[host] for host in self._hosts]:
            return Refusal(403, "Host is not this machine's loopback: use http://127.0.0.1 and the port")
        if any(origin.lower() not in self._origins for origin in values("origin")):
            return Refusal(403, "Origin is another site: open the page from http://127.0.0.1 and the port")
        if is_open:
            return None
        scheme, _, given = next(iter(values("authorization")), "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
            return None
        return Refusal(401, "send 'Authorization: Bearer TOKEN' with the token in secrets/api_token")

    def refuse(self, handshake: Handshake) -> Refusal | None:
        """Return why a WebSocket client is refused, None where it is not."""
        return self.refusal(handshake.values)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._rules = Rules(token=token, port=port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through or answer 401 or 403 with one line of JSON that says the way out."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _WEBSOCKET_POLICY_VIOLATION})

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        is_open = scope["type"] == "http" and scope["path"] == OPEN_PATH
        found = self._rules.refusal(Headers(scope=scope).getlist, is_open=is_open)
        return None if found is None else _refuse(found.status, found.sentence)


def _refuse(status: int, error: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": error}, status, headers)
