"""The HTTP side of an overseer that is a program of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ccmux.web.overseer_face import build_face
from ccmux.websocket import Handshake, Refusal


def ask(path: str, *, token: str = "yes") -> tuple[int, str, str]:
    """Return status, content type and body."""
    said: list[dict[str, Any]] = []

    def refuse(handshake: Handshake) -> Refusal | None:
        assert (handshake.address, handshake.port) == ("127.0.0.1", 4_711)
        return None if handshake.values("authorization") == ["yes"] else Refusal(401, "send the token")

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        raise NotImplementedError

    scope = {"type": "http", "path": path, "client": ("127.0.0.1", 4_711)}
    headers = [(b"authorization", token.encode())]

    async def main() -> None:
        await build_face(lambda: "figure 7\n", refuse)({**scope, "headers": headers}, receive, send)

    asyncio.run(main())
    kind = dict(said[0]["headers"])[b"content-type"].decode()
    assert dict(said[0]["headers"])[b"content-length"] == str(len(said[1]["body"])).encode()
    return said[0]["status"], kind, said[1]["body"].decode()


PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("token", ["yes", "no"])
def test_health_is_for_all(token: str) -> None:
    assert ask("/healthz", token=token) == (200, "application/json", '{"ok":true}')


def test_figures_are_for_whom_the_door_lets_in() -> None:
    assert ask("/metrics") == (200, PLAIN, "figure 7\n")
    status, _, body = ask("/metrics", token="no")
    assert (status, json.loads(body)) == (401, {"error": "send the token"})


@pytest.mark.parametrize(("path", "status"), [("/ws", 426), ("/", 404), ("/x", 404)])
def test_who_is_lost_is_told_so(path: str, status: int) -> None:
    found, _, body = ask(path)
    assert found == status
    assert "error" in json.loads(body)
