from __future__ import annotations

import asyncio
import logging
import socket

import httpx2
import pytest

from ccmux.core.errors import PortTaken
from ccmux.web.server import listen, port_of
from tests.web.harness import FakeChannels, browser, serving

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "send_to_channel", "arguments": {"channel": "c", "message": "geheim"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with listen(0) as first:
        port = port_of(first)
        with pytest.raises(PortTaken, match=rf"port {port} on 127.0.0.1 is taken .* set \[mcp\] port"):
            listen(port)


def test_only_loopback_listens() -> None:
    with listen(0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_answers_do_not_wait_for_more_to_send() -> None:
    accepted: list[int] = []

    class Door(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock = transport.get_extra_info("socket")
            accepted.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def main() -> None:
        sock = listen(0)
        async with asyncio.timeout(20), await asyncio.get_running_loop().create_server(Door, sock=sock):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(sock))
            await reader.read()
            writer.close()

    asyncio.run(main())
    assert accepted == [1]


def test_a_port_is_free_again_at_once_though_a_connection_was_open() -> None:
    with listen(0) as first:
        port = port_of(first)
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = first.accept()
        accepted.close()  # our side closes first: it lingers in TIME_WAIT
        client.close()
    listen(port).close()


def test_an_open_event_stream_ends_in_order_and_delays_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> bytes:
        got = b""
        async with (
            asyncio.timeout(20),
            serving(FakeChannels()) as served,
            browser(served) as http,
            http.stream("GET", "/sse") as stream,
        ):
            pieces = stream.aiter_bytes()
            got = await anext(pieces)
            async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                group.create_task(served.stop())
                async for piece in pieces:  # a stream that is cut off raises here
                    got += piece
        return got

    with caplog.at_level(logging.INFO):
        assert asyncio.run(main()).startswith(b"event: endpoint")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_idle_connections_and_unfinished_requests_do_not_delay_the_end() -> None:
    async def main() -> None:
        async with asyncio.timeout(20), serving(FakeChannels()) as served, browser(served) as http:
            assert (await http.get("/healthz")).status_code == 200
            _, half = await asyncio.open_connection("127.0.0.1", served.port)
            half.write(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{")
            await half.drain()
            async with asyncio.timeout(5):
                await served.stop()
            half.close()

    asyncio.run(main())


def test_a_call_that_is_at_work_may_finish() -> None:
    async def main() -> httpx2.Response:
        hold = asyncio.Event()
        channels = FakeChannels(hold=hold)
        async with (
            asyncio.timeout(20),
            serving(channels) as served,
            browser(served) as http,
            asyncio.TaskGroup() as group,
        ):
            calling = group.create_task(http.post("/mcp", json=CALL, headers=ACCEPT))
            await channels.called.wait()
            served.task.cancel()
            await asyncio.sleep(0)
            hold.set()
        return calling.result()

    assert asyncio.run(main()).json()["result"]["content"][0]["text"] == "ok"


def test_the_server_waits_for_requests_without_waking_up() -> None:
    """uvicorn's main loop would look ten times a second."""

    async def main() -> None:
        async with asyncio.timeout(20), serving(FakeChannels()) as served, browser(served) as http:
            await http.get("/healthz")
            loop = asyncio.get_running_loop()
            waits = [handle for handle in loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
            assert len(waits) <= 3  # this test's limit; a connection's keep-alive and the look at its haste

    asyncio.run(main())


def test_no_log_line_carries_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with asyncio.timeout(20), serving(FakeChannels()) as served, browser(served) as http:
            await http.post("/mcp", json=CALL, headers=ACCEPT)
            async with http.stream("GET", "/sse") as stream:
                pieces = stream.aiter_text()
                path = (await anext(pieces)).split("data: ")[1].strip()
                answer = await http.post(path, json={"geheim": "geheim"})
                assert answer.text == "Could not parse message"

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    assert "geheim" not in caplog.text
