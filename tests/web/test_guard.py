from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ccmux.web.guard import Guard, Rules
from ccmux.websocket import Handshake

GOOD = ("authorization", "Bearer s3cret")
HOST = ("host", "127.0.0.1:9876")
WRONG_HOST = (403, "Host is not this machine's loopback: use http://127.0.0.1 and the port")
WRONG_ORIGIN = (403, "Origin is another site: open the page from http://127.0.0.1 and the port")
NO_TOKEN = (401, "send 'Authorization: Bearer TOKEN' with the token in secrets/api_token")
LET_IN = (200, "")


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"error": ""}'})


def ask(*headers: tuple[str, str], path: str = "/mcp", port: int = 9876, **scope: Any) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    raw = [(name.encode(), value.encode()) for name, value in headers]
    whole = {"type": "http", "path": path, "headers": raw, "method": "GET", **scope}
    asyncio.run(Guard(inner, token="s3cret", port=port)(whole, receive, send))
    return sent


CASES: dict[str, tuple[list[tuple[str, str]], tuple[int, str]]] = {
    "as it should be": ([HOST, GOOD], LET_IN),
    "localhost": ([("host", "localhost:9876"), GOOD], LET_IN),
    "LOCALHOST": ([("host", "LocalHost:9876"), GOOD], LET_IN),
    "IPv6": ([("host", "[::1]:9876"), GOOD], LET_IN),
    "own Origin": ([HOST, GOOD, ("origin", "http://localhost:9876")], LET_IN),
    "scheme in small letters": ([HOST, ("authorization", "bearer s3cret")], LET_IN),
    "no Host": ([GOOD], WRONG_HOST),
    "two Hosts": ([HOST, HOST, GOOD], WRONG_HOST),
    "another name": ([("host", "evil.example:9876"), GOOD], WRONG_HOST),
    "a name that begins like ours": ([("host", "127.0.0.1.evil.example:9876"), GOOD], WRONG_HOST),
    "a name that ends like ours": ([("host", "x@127.0.0.1:9876"), GOOD], WRONG_HOST),
    "another port": ([("host", "127.0.0.1:80"), GOOD], WRONG_HOST),
    "no port": ([("host", "127.0.0.1"), GOOD], WRONG_HOST),
    "all interfaces": ([("host", "0.0.0.0:9876"), GOOD], WRONG_HOST),
    "another site": ([HOST, GOOD, ("origin", "https://evil.example")], WRONG_ORIGIN),
    "another port's page": ([HOST, GOOD, ("origin", "http://127.0.0.1:3000")], WRONG_ORIGIN),
    "a page without origin": ([HOST, GOOD, ("origin", "null")], WRONG_ORIGIN),
    "an empty Origin": ([HOST, GOOD, ("origin", "")], WRONG_ORIGIN),
    "one good and one bad Origin": (
        [HOST, GOOD, ("origin", "http://127.0.0.1:9876"), ("origin", "http://evil.example")],
        WRONG_ORIGIN,
    ),
    "https of ours": ([HOST, GOOD, ("origin", "https://127.0.0.1:9876")], WRONG_ORIGIN),
    "no token": ([HOST], NO_TOKEN),
    "wrong token": ([HOST, ("authorization", "Bearer s3creT")], NO_TOKEN),
    "longer token": ([HOST, ("authorization", "Bearer s3cret2")], NO_TOKEN),
    "empty token": ([HOST, ("authorization", "Bearer ")], NO_TOKEN),
    "another scheme": ([HOST, ("authorization", "Basic s3cret")], NO_TOKEN),
    "bare token": ([HOST, ("authorization", "s3cret")], NO_TOKEN),
    "token beyond ASCII": ([HOST, ("authorization", "Bearer s3crét")], NO_TOKEN),
}


@pytest.mark.parametrize(("headers", "expected"), CASES.values(), ids=CASES.keys())
def test_who_may_speak(headers: list[tuple[str, str]], expected: tuple[int, str]) -> None:
    start, body = ask(*headers)
    assert (start["status"], json.loads(body["body"])["error"]) == expected
    assert b"\n" not in body["body"]
    if expected[0] == 401:
        assert (b"www-authenticate", b"Bearer") in start["headers"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [([HOST], 200), ([("host", "evil.example:9876")], 403), ([HOST, ("origin", "http://evil.example")], 403)],
)
def test_health_needs_no_token_but_is_for_this_machine(headers: list[tuple[str, str]], status: int) -> None:
    assert ask(*headers, path="/healthz")[0]["status"] == status


@pytest.mark.parametrize("path", ["/healthz/", "/healthz/x", "//healthz", "/HEALTHZ", "/"])
def test_only_health_itself_is_open(path: str) -> None:
    assert ask(HOST, path=path)[0]["status"] == 401


def test_on_port_80_the_port_may_be_left_out() -> None:
    assert ask(("host", "localhost"), GOOD, port=80)[0]["status"] == 200


WEBSOCKET: dict[str, Any] = {"type": "websocket", "extensions": {"websocket.http.response": {}}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [([HOST], 401), ([HOST, GOOD, ("origin", "http://evil.example")], 403), ([GOOD], 403)],
)
def test_a_websocket_is_refused_before_it_opens(headers: list[tuple[str, str]], status: int) -> None:
    start, body = ask(*headers, **WEBSOCKET)
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == status
    assert body["type"] == "websocket.http.response.body"


def test_a_websocket_of_a_server_that_cannot_say_why_is_closed() -> None:
    assert ask(HOST, type="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_health_is_no_websocket() -> None:
    assert ask(HOST, path="/healthz", **WEBSOCKET)[0]["status"] == 401


def test_a_websocket_with_all_in_order_opens() -> None:
    assert ask(HOST, GOOD, ("origin", "http://127.0.0.1:9876"), **WEBSOCKET) == [{"type": "websocket.accept"}]


def test_the_applications_own_life_is_no_request() -> None:
    assert len(ask(type="lifespan")) == 2


def test_a_room_asks_the_same() -> None:
    rules = Rules(token="s3cret", port=9876)
    came = Handshake(path="/ws/x", headers=(("Host", "localhost:9876"), ("Authorization", "Bearer s3cret")))
    assert rules.refuse(came) is None
    strange = Handshake(path="/ws/x", headers=(*came.headers, ("Origin", "http://evil.example")))
    refusal = rules.refuse(strange)
    assert refusal is not None
    assert refusal.status == 403
