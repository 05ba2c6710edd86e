"""The page and the script for one's own site: a handful of files, held in memory, with strict headers.

Nothing of a session stands in them; what is shown comes over the WebSocket.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

_ENTRANCE = "index.html"

_SHARED = ("embed.js", "connection.js")
"""What pages of other sites load; whether they are told anything is asked at the WebSocket."""

_HEADERS = {
    # Nothing inline, nothing of others, and no text that could become markup.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cache-Control": "no-cache",  # kept, but asked for by its ETag each time
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FOR_OTHERS = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def page_routes() -> list[Route]:
    """Return a route for each file; that of the entrance is `/`."""
    folder = files("ccmux.relay") / "page"
    return [_route(file.name, file.read_bytes()) for file in folder.iterdir()]


def _route(name: str, content: bytes) -> Route:
    headers = {
        **_HEADERS,
        **(_FOR_OTHERS if name in _SHARED else {}),
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:16]}"',
        "Content-Type": _TYPES[name.rpartition(".")[2]],
    }

    async def serve(request: Request) -> Response:
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return Route("/" if name == _ENTRANCE else f"/{name}", serve)
