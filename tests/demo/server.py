"""A small MCP server for the demo agent's tests: real HTTP on loopback, JSON or SSE-framed answers."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class McpServer:
    """Serves `list_channels` (names `chat`) and `send_to_channel`; remembers the calls."""

    def __init__(self, *, sse: bool = False, token: str = "") -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.headers = dict(self.headers.items())
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if token and self.headers["authorization"] != f"Bearer {token}":
                    self._answer(401, b"", "text/plain")
                elif "id" not in body:
                    self._answer(202, b"", "text/plain")
                else:
                    data = json.dumps({"jsonrpc": "2.0", "id": body["id"], **outer.answer(body)}).encode()
                    if sse:
                        self._answer(200, b"event: message\ndata: " + data + b"\n\n", "text/event-stream")
                    else:
                        self._answer(200, data, "application/json")

            def _answer(self, status: int, data: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/mcp"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return `result` or `error` of one request."""
        if body["method"] == "initialize":
            return {"result": {"protocolVersion": "2025-11-25", "capabilities": {}}}
        if body["method"] != "tools/call":
            return {"error": {"code": -32601, "message": "no such method"}}
        name, arguments = body["params"]["name"], body["params"]["arguments"]
        self.calls.append((name, arguments))
        text = "chat: 1 reader" if name == "list_channels" else "ok"
        if arguments.get("channel") == "nobody":
            return {"result": {"content": [{"type": "text", "text": "Error: no channel"}], "isError": True}}
        if name == "nothing":
            return {"error": {"code": -32602, "message": "no such tool"}}
        return {"result": {"content": [{"type": "text", "text": text}]}}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
