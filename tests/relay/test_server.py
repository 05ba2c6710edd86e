"""The relay as a whole: how it listens, how it ends, and connections that are no viewers'."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed

from ccmux import http_server
from ccmux.core.errors import RelayRefused
from ccmux.core.visitors import read_networks
from ccmux.relay import server
from ccmux.relay.server import REQUESTS, Relay
from tests.relay import certificates
from tests.relay.harness import KEY, board, serving, story, terms

VIEWER = (
    b"GET /ws/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def file_limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@story
async def test_viewers_are_told_goodbye_at_the_end() -> None:
    async with serving() as relay, relay.viewer() as viewer:
        await board(viewer)
        await relay.end()
        with pytest.raises(ConnectionClosed) as ended:
            await viewer.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1001


@story
async def test_the_end_does_not_wait_for_those_who_do_not_answer() -> None:
    async with serving() as relay:
        with ExitStack() as silent:
            for words in (b"", b"GET / HTTP/1.1\r\n", HEALTH, VIEWER):
                silent.enter_context(socket.create_connection(("127.0.0.1", relay.port))).sendall(words)
            await relay.until_number("viewers", 1)
            async with asyncio.timeout(10):
                await relay.end()


@story
async def test_it_speaks_tls_where_it_has_a_certificate(tmp_path: Path) -> None:
    certificate, trusted = certificates.make(tmp_path)
    async with serving(certificate=certificate, trusted=trusted) as relay, relay.viewer() as viewer:
        assert await board(viewer) == {"active": False, "sessions": None}
        assert (await relay.beat("a")).status_code == 200
        assert await board(viewer) == {"active": True, "sessions": ["a"]}


def test_a_certificate_that_is_none_is_told_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("no certificate")
    for certificate in (("/nowhere", "/nowhere"), (str(tmp_path / "none"),) * 2):
        with pytest.raises(RelayRefused, match=r"certificate and key cannot be used: .*; give --certfile"):
            Relay(terms(certificate=certificate), key=KEY)


def test_a_place_that_is_taken_or_none_is_told_with_the_way_out() -> None:
    with http_server.listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            RelayRefused, match=f"port {port}: Address already in use; name another.*--port 0"
        ):
            Relay(terms(port=port), key=KEY)
    with pytest.raises(RelayRefused, match=r"cannot listen on 192\.0\.2\.1 port 0: "):
        Relay(terms(host="192.0.2.1"), key=KEY)
    with pytest.raises(RelayRefused, match=r"cannot listen on no\.such\.name\.invalid port 0: "):
        Relay(terms(host="no.such.name.invalid"), key=KEY)


@story
async def test_it_listens_on_ipv6_too() -> None:
    async with serving(host="::1") as relay:
        reader, writer = await asyncio.open_connection("::1", relay.port)
        writer.write(HEALTH)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


@story
async def test_what_is_no_http_is_refused_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as relay:
        for words in (b"\x16\x03\x01\x02\x00\x01 hello\r\n\r\n", VIEWER.replace(b"websocket", b"h2c")):
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(words)
            assert (await reader.readline()).startswith(b"HTTP/1.1 4")
            writer.close()
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.usefixtures("file_limits")
def test_as_many_files_may_be_open_as_viewers_need() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    assert server._raise_file_limit(500) == 500
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 500 + REQUESTS
    assert server._raise_file_limit(1) == 1
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 500 + REQUESTS


@pytest.mark.parametrize(("hard", "viewers"), [(2_000, 936), (1_065, 1)])
def test_where_fewer_files_may_be_open_there_are_fewer_viewers(
    hard: int, viewers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, hard))
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limits: set_to.append(limits))
    with capture_logs() as log:
        assert server._raise_file_limit(10_000) == viewers
    assert set_to == [(hard, hard)]
    assert log[0]["viewers"] == viewers


def test_where_no_viewer_has_a_file_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, 512))
    with pytest.raises(RelayRefused, match="only 512 files may be open here; raise that limit"):
        server._raise_file_limit(10_000)


@asynccontextmanager
async def idle(port: int, count: int) -> AsyncGenerator[list[asyncio.StreamReader]]:
    """Connections that ask nothing."""
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.close()


async def answers(port: int) -> bool:
    """Tell whether a new connection is answered, and not hung up on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HEALTH)
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False
    finally:
        writer.close()


@story
async def test_an_address_has_so_many_connections_that_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUESTS_AN_ADDRESS", 3)
    # Those who look by now count as viewers alone.
    async with serving() as relay, relay.viewer(), relay.viewer(), relay.viewer():
        async with idle(relay.port, 3):
            assert not await answers(relay.port)
        while not await answers(relay.port):
            pass


@story
async def test_what_a_named_proxy_brings_is_counted_in_all_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUESTS_AN_ADDRESS", 3)
    monkeypatch.setattr(server, "REQUESTS", 7)
    async with serving(proxies=read_networks(["127.0.0.1"])) as relay:
        async with idle(relay.port, 7):
            assert not await answers(relay.port)
        async with idle(relay.port, 6):
            while not await answers(relay.port):
                pass


@story
async def test_one_that_asks_nothing_or_takes_no_answer_does_not_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "REQUEST_S", 0.05)  # nobody is served here within it
    async with serving() as relay, idle(relay.port, 1) as [reader]:
        assert await reader.read() == b""
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            slow.connect(("127.0.0.1", relay.port))
            slow.sendall(b"GET /page.css HTTP/1.1\r\nHost: x\r\n\r\n" * 100)  # it reads nothing of it
            slow.setblocking(False)
            with suppress(ConnectionError):
                while True:
                    await asyncio.get_running_loop().sock_sendall(slow, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    await asyncio.sleep(0.01)
