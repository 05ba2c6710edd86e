"""Viewers on real sockets: who is let in, who is slow, who stays too long."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ccmux.core.visitors import read_networks
from tests.relay.harness import Served, board, serving, story

HEAD = (
    b"GET /ws/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def refusal(relay: Served, **more: Any) -> tuple[int, str]:
    """Return the status and the sentence by which a viewer is kept out."""
    with pytest.raises(InvalidStatus) as kept_out:
        async with relay.viewer(**more):
            pass
    response = kept_out.value.response
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, json.loads(response.body)["error"]


@story
async def test_programs_the_page_itself_and_named_sites_look_and_others_do_not() -> None:
    async with serving(origins=frozenset({"https://blog.example.com"})) as relay:
        for origin in (None, f"http://127.0.0.1:{relay.port}", "https://blog.example.com"):
            async with relay.viewer(origin=origin) as viewer:
                assert await board(viewer) == {"active": False, "sessions": None}
        with capture_logs() as log:
            for _ in range(3):
                status, says = await refusal(relay, origin="https://evil.example")
                assert (status, says) == (
                    403,
                    "this site may not look: ccmux-relay --origins names those that may",
                )
        assert [line["origins"] for line in log if line["event"] == "viewer refused"] == [
            ["https://evil.example"]
        ]
        assert await relay.number('refused_total{status="403"}') == 3


@story
async def test_a_name_that_was_made_to_lead_here_opens_nothing() -> None:
    async with serving() as relay:
        origin = f"http://evil.example:{relay.port}"
        status, says = await refusal(relay, name="evil.example", origin=origin)
        assert status == 403
        assert says.startswith("this name is not known here")


@story
async def test_an_address_has_so_many_places_and_gets_them_back() -> None:
    async with serving(viewers_an_address=2) as relay:
        async with relay.viewer(), relay.viewer():
            assert await refusal(relay) == (429, "2 places are taken from your address; close some")
        await relay.until_number("viewers", 0)
        async with relay.viewer() as viewer:
            assert await board(viewer)


@story
async def test_there_are_so_many_places_in_all() -> None:
    async with serving(viewers=1) as relay, relay.viewer():
        assert await refusal(relay) == (429, "all 1 places are taken; come back later")


@story
async def test_behind_a_named_proxy_each_visitor_has_its_own_places() -> None:
    def through(address: str) -> dict[str, Any]:
        return {"additional_headers": {"X-Forwarded-For": address}}

    async with (
        serving(viewers_an_address=1, proxies=read_networks(["127.0.0.1"])) as relay,
        relay.viewer(**through("192.0.2.1")),
        relay.viewer(**through("192.0.2.2")),
    ):
        assert (await refusal(relay, **through("192.0.2.1")))[0] == 429


@story
async def test_who_comes_again_and_again_is_sent_away_for_a_while() -> None:
    async def come_again_and_again() -> None:
        while True:
            async with relay.viewer():
                pass

    async with serving() as relay:
        with pytest.raises(InvalidStatus) as kept_out:
            await come_again_and_again()
        assert kept_out.value.response.status_code == 429


@story
async def test_what_a_viewer_says_changes_nothing_and_a_long_speech_ends_its_visit() -> None:
    async with serving() as relay, relay.viewer() as viewer:
        await viewer.recv()
        await viewer.send('{"active":true,"sessions":[]}')
        await viewer.send(b"\x00")
        await relay.beat("a")
        assert await board(viewer) == {"active": True, "sessions": ["a"]}
        await viewer.send("x" * 2_000)
        with pytest.raises(ConnectionClosed) as ended:
            await viewer.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1009


@asynccontextmanager
async def never_reading(relay: Served) -> AsyncGenerator[socket.socket]:
    """A viewer that says hello and reads nothing of what comes."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", relay.port))
        await loop.sock_sendall(sock, HEAD)
        yield sock


@story
async def test_one_that_never_reads_holds_nobody_up_and_finds_the_newest_when_it_does() -> None:
    async with (
        serving() as relay,
        never_reading(relay) as slow,
        relay.viewer() as quick,
        relay.viewer(),
    ):
        await quick.recv()
        beats = 0
        while not await relay.number("viewers_behind"):
            beats += 1
            assert (await relay.beat("a", last_prompt="x" * 30_000, total_tokens=beats)).status_code == 200
            assert json.loads(await quick.recv())["sessions"][0]["total_tokens"] == beats
        for _ in range(3):
            beats += 1
            await relay.beat("a", total_tokens=beats)
            assert json.loads(await quick.recv())["sessions"][0]["total_tokens"] == beats
        got = b""
        newest = b'"total_tokens":%d,' % beats
        while newest not in got:
            got += await asyncio.get_running_loop().sock_recv(slow, 65_536)
        for skipped in range(beats - 2, beats):
            assert b'"total_tokens":%d,' % skipped not in got
        await relay.until_number("viewers_behind", 0)


@story
async def test_crowds_that_come_and_go_cost_no_heartbeat() -> None:
    """An older relay lost heartbeats, and one of its ends was the process's."""

    async def crowd(relay: Served, ends: asyncio.Event) -> None:
        while not ends.is_set():
            _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(HEAD)
            await writer.drain()
            writer.transport.abort()

    async with serving(proxies=()) as relay, relay.viewer() as viewer, asyncio.TaskGroup() as group:
        ends = asyncio.Event()
        crowds = [group.create_task(crowd(relay, ends)) for _ in range(8)]
        await viewer.recv()
        for number in range(10):
            assert (await relay.beat(f"s{number}")).status_code == 200
            assert (await board(viewer))["sessions"] == [f"s{number}"]
        ends.set()
        await asyncio.wait(crowds)
