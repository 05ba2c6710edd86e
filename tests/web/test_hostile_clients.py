"""Clients of ill will on the HTTP port: others are served meanwhile, and they do not stay for ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from ccmux import http_server
from ccmux.http_server import HurriedProtocol
from tests.web.harness import FakeChannels, Served, browser, serving
from tests.web.test_server import ACCEPT, CALL

ILL_WILL = {
    "says nothing": b"",
    "never ends its head": b"GET /healthz HTTP/1.1\r\nHost: ",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not http at all\r\n\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
    "promises a body": b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n{",
}


@asynccontextmanager
async def crowd(served: Served, count: int) -> AsyncIterator[list[socket.socket]]:
    await is_well(served)
    clients: list[socket.socket] = []
    try:
        for number in range(count):
            clients.append(socket.create_connection(("127.0.0.1", served.port)))
            if number % 50 == 0:
                await asyncio.sleep(0)  # let it accept them
        yield clients
    finally:
        for client in clients:
            client.close()


async def is_well(served: Served) -> None:
    async with browser(served) as client:
        assert (await client.get("/healthz")).json() == {"ok": True}
        answer = await client.post("/mcp", json=CALL, headers=ACCEPT)
        assert answer.status_code == httpx2.codes.OK


def test_a_thousand_that_ask_nothing_whole_keep_nobody_waiting() -> None:
    async def story() -> None:
        async with serving(FakeChannels()) as served, crowd(served, 1_000) as clients:
            for client, words in zip(clients, list(ILL_WILL.values()) * 200, strict=True):
                client.setblocking(False)
                with suppress(BlockingIOError, ConnectionError):
                    client.send(words)
            await is_well(served)

    asyncio.run(story())


@pytest.mark.parametrize("words", ILL_WILL.values(), ids=ILL_WILL)
def test_who_asks_nothing_whole_is_let_go(words: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUEST_S", 0.05)

    async def story() -> None:
        async with serving(FakeChannels()) as served, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            with suppress(ConnectionError):
                writer.write(words)
                await reader.read()
            writer.close()
            await is_well(served)

    asyncio.run(story())


def test_a_byte_now_and_then_is_no_reason_to_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUEST_S", 0.05)

    async def story() -> None:
        async with serving(FakeChannels()) as served, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
            with suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await reader.read(1)
            writer.close()

    asyncio.run(story())


def test_a_long_call_of_a_client_that_may_ask_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUEST_S", 0.02)

    async def story() -> None:
        channels = FakeChannels(hold=asyncio.Event())
        async with serving(channels) as served, browser(served) as client, asyncio.TaskGroup() as group:
            call = group.create_task(client.post("/mcp", json=CALL, headers=ACCEPT))
            await channels.called.wait()
            looked = asyncio.Event()
            asyncio.get_running_loop().call_later(0.1, looked.set)
            await looked.wait()
            assert channels.hold
            channels.hold.set()
            assert (await call).status_code == httpx2.codes.OK

    asyncio.run(story())


def test_one_connection_too_many_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HurriedProtocol, "most_connections", 3)

    async def story() -> None:
        async with serving(FakeChannels()) as served, crowd(served, 3) as clients:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
            clients.pop().close()
            async with browser(served) as client:
                answered = None
                while answered is None:
                    with suppress(httpx2.TransportError):
                        answered = await client.get("/healthz")

    asyncio.run(story())
