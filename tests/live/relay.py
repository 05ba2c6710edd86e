"""A relay on loopback that keeps what it is told, for tests; it can refuse, hang, and be asked to go on."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from ccmux.trial.waiting import until


@dataclass(frozen=True, slots=True)
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


class RelayServer:
    """Takes posts between `__enter__` and `__exit__`.

    Attributes:
        status: What it answers.
        posts: All that came so far.
        go_on: Cleared, it takes what is posted and does not answer.
    """

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.posts: list[Post] = []
        self.go_on = threading.Event()
        self.go_on.set()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                relay.posts.append(Post(self.path, dict(self.headers.items()), body))
                relay.go_on.wait(30)
                self.send_response(relay.status)
                if relay.location:
                    self.send_header("Location", relay.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that left

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="test relay")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def newest(self) -> Post:
        return self.posts[-1]

    def sessions(self) -> list[dict[str, Any]]:
        """Return what the last heartbeat told; nothing before one and after a stop."""
        if not self.posts or self.newest.path == "/api/live/stop":
            return []
        sessions: list[dict[str, Any]] = self.newest.said["sessions"]
        return sessions

    def until_sessions(self, *ids: str) -> None:
        """Wait until exactly these sessions are shown."""
        until(
            lambda: [one["session_id"] for one in self.sessions()] == list(ids), lambda: f"{self.posts[-3:]}"
        )

    def until_stop(self) -> None:
        until(lambda: bool(self.posts) and self.newest.path == "/api/live/stop", lambda: f"{self.posts[-3:]}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
