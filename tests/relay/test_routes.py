"""The relay's HTTP, on a real port: what publishers and older clients of theirs rely on."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from ccmux.core.live_board import BODY_BYTES, SOURCES
from ccmux.core.visitors import read_networks
from ccmux.relay import routes
from tests.relay.harness import AUTHORIZED, board, error, serving, story

REPORTS = ("/api/live/heartbeat", "/api/live/stop")


@story
async def test_a_heartbeat_is_shown_and_a_stop_ends_it() -> None:
    async with serving() as relay, relay.viewer() as viewer:
        assert await viewer.recv() == '{"active":false,"sessions":null}'
        answer = await relay.beat("a", "b")
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        assert await board(viewer) == {"active": True, "sessions": ["a", "b"]}
        assert (await relay.stop()).status_code == 200
        assert await board(viewer) == {"active": False, "sessions": None}


@story
async def test_the_hooks_of_older_publishers_are_taken_as_they_are() -> None:
    session = {
        "session_id": "s",
        "total_tokens": 1,
        "input_tokens": 1,
        "output_tokens": 0,
        "tool_calls": 0,
        "user_prompts": 0,
        "active_time_seconds": 0,
        "last_prompt": "",
        "summary": "",
        "project": "p",
        "model": "m",
        "sensitive": True,
        "of_a_later_version": {},
    }
    async with serving() as relay, relay.viewer() as viewer:
        await viewer.recv()
        for body in (b"", b'{"sessions":null}'):
            answer = await relay.http.post(REPORTS[0], content=body, headers=AUTHORIZED)
            assert answer.status_code == 200
            assert await viewer.recv() == '{"active":true,"sessions":null}'
        answer = await relay.http.post(REPORTS[0], json={"sessions": [session]}, headers=AUTHORIZED)
        assert answer.status_code == 200
        seen = json.loads(await viewer.recv())["sessions"][0]
        del session["of_a_later_version"]
        assert seen == session
        assert (await relay.http.post(REPORTS[1], headers=AUTHORIZED)).status_code == 200
        assert await viewer.recv() == '{"active":false,"sessions":null}'


@pytest.mark.parametrize("path", REPORTS)
@story
async def test_other_methods_are_refused_before_the_key_is_asked_for(path: str) -> None:
    async with serving() as relay:
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            answer = await relay.http.request(method, path)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "POST"
            assert error(answer) == "this path does not take that method"


@pytest.mark.parametrize("path", REPORTS)
@story
async def test_nobody_reports_without_the_key(path: str) -> None:
    async with serving() as relay:
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "the-key"}):
            answer = await relay.http.post(path, content=b"{}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "CC_LIVE_API_KEY" in error(answer)
        assert await relay.number("sources") == 0


@story
async def test_what_cannot_be_read_is_refused_and_wipes_nothing() -> None:
    async with serving() as relay, relay.viewer() as viewer:
        await relay.beat("a")
        while (await board(viewer))["sessions"] != ["a"]:
            pass
        for path in REPORTS:
            for body in (b"{", b'{"source":1}', b"\xff", b'{"sessions":[{"session_id":"b"},{}]}'):
                if path == REPORTS[1] and b"sessions" in body:
                    continue
                answer = await relay.http.post(path, content=body, headers=AUTHORIZED)
                assert answer.status_code == 400
                assert "the body must be JSON like" in error(answer)
        await relay.beat("a", "c")
        assert await board(viewer) == {"active": True, "sessions": ["a", "c"]}


@story
async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    async with serving() as relay:
        answer = await relay.http.post(REPORTS[0], content=b" " * BODY_BYTES + b"x", headers=AUTHORIZED)
        assert answer.status_code == 413
        assert error(answer) == f"the body must have at most {BODY_BYTES} bytes"
        assert await refused_while_sending(relay.port, b"Transfer-Encoding: chunked") == 413
        assert await refused_while_sending(relay.port, b"Content-Length: 1000000000000") == 413
        answer = await relay.http.post(
            REPORTS[0], content=b" " * (BODY_BYTES - 2) + b"{}", headers=AUTHORIZED
        )
        assert answer.status_code == 200


async def refused_while_sending(port: int, length: bytes) -> int:
    """Begin a body without end; return the status that is answered, after which the relay hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /api/live/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-key\r\n"
    piece = b" " * (BODY_BYTES + 1)
    chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if b"chunked" in length else piece
    writer.write(head + length + b"\r\n\r\n" + chunk)
    answer = await reader.readuntil(b"\r\n\r\n")
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    return int(answer.split()[1])


@story
async def test_a_body_that_comes_a_byte_a_minute_is_not_waited_for() -> None:
    async with serving() as relay:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(routes, "BODY_S", 0.05)
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(
                b"POST /api/live/stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-key\r\n"
                b"Content-Length: 5\r\n\r\n{"
            )
            answer = await reader.read()
            writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()


@story
async def test_who_leaves_in_the_middle_of_a_body_does_no_harm() -> None:
    async with serving() as relay:
        await relay.beat("a")
        _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(
            b"POST /api/live/stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-key\r\n"
            b"Content-Length: 5\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await relay.until_number('refused_total{status="400"}', 1)
        assert await relay.number("sources") == 1


@story
async def test_too_many_sources_are_told_when_to_come_again() -> None:
    async with serving() as relay:
        for number in range(SOURCES):
            assert (await relay.beat("a", source=f"s{number}")).status_code == 200
        answer = await relay.beat("a", source="one more")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert "too many sources" in error(answer)
        assert (await relay.beat("a", source="s1")).status_code == 200


@story
async def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async with serving() as relay:
        answer = await relay.http.get("/healthz")
        while answer.status_code == 200:
            answer = await relay.http.get("/healthz")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert error(answer) == "too many requests from your address; try again in 1 s"
        # Who has the key still may.
        assert (await relay.beat("a")).status_code == 200
        while answer.status_code != 200:
            answer = await relay.http.get("/metrics")
        assert "ccmux_relay_sources 1" in answer.text


@story
async def test_health_and_numbers_are_told_to_everybody() -> None:
    async with serving() as relay, relay.viewer():
        assert (await relay.http.get("/healthz")).json() == {"ok": True}
        await relay.beat("a", "b")
        await relay.until_number("sessions", 2)
        answer = await relay.http.get("/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        for line in ("ccmux_relay_active 1", "ccmux_relay_sources 1", "ccmux_relay_viewers 1"):
            assert f"\n{line}\n" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nope", 404, "nothing is here; the page is at /"),
        ("/ws/live", 426, "connect with a WebSocket"),
        ("/../server.py", 404, "nothing is here; the page is at /"),
        ("/index.html", 404, "nothing is here; the page is at /"),
    ],
)
@story
async def test_a_request_that_cannot_be_answered_is_told_why(path: str, status: int, says: str) -> None:
    async with serving() as relay:
        answer = await relay.http.get(path)
        assert (answer.status_code, error(answer)) == (status, says)


@story
async def test_only_what_a_named_proxy_says_of_addresses_is_believed() -> None:
    async with serving() as relay:
        for address in ("192.0.2.1", "192.0.2.2"):
            await relay.http.post(REPORTS[0], content=b"", headers=AUTHORIZED | {"X-Forwarded-For": address})
        assert await relay.number("sources") == 1


@story
async def test_sources_behind_a_named_proxy_are_told_apart_by_their_addresses() -> None:
    async with serving(proxies=read_networks(["127.0.0.1"])) as relay:
        for address in ("192.0.2.1", "192.0.2.2"):
            await relay.http.post(REPORTS[0], content=b"", headers=AUTHORIZED | {"X-Forwarded-For": address})
        assert await relay.number("sources") == 2
