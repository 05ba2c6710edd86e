"""The WebSocket door, on real sockets behind a real uvicorn, met by a real client and by raw bytes."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ParamSpec

import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode

from ccmux.web.server import listen, port_of
from ccmux.websocket import (
    GOING_AWAY,
    Handshake,
    Lobby,
    Peer,
    Refusal,
    text_frame,
    text_heads,
)

LIMIT_S = 20.0
POLICY_VIOLATION = CloseCode.POLICY_VIOLATION
P = ParamSpec("P")


@dataclass
class Echo:
    """A room that answers what it hears, and writes down who came and went."""

    refusal: Refusal | None = None
    peers: list[Peer] = field(default_factory=list)
    handshakes: list[Handshake] = field(default_factory=list)
    gone: list[Peer] = field(default_factory=list)
    heard_: list[bytes] = field(default_factory=list)
    drains: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def refuse(self, handshake: Handshake) -> Refusal | None:
        self.handshakes.append(handshake)
        return self.refusal

    def joined(self, peer: Peer, handshake: Handshake) -> None:
        self.peers.append(peer)
        self.news.set()

    def heard(self, peer: Peer, message: bytes) -> None:
        self.heard_.append(message)
        peer.send(text_frame(message))
        self.news.set()

    def drained(self, peer: Peer) -> None:
        self.drains += 1
        self.news.set()

    def left(self, peer: Peer) -> None:
        self.gone.append(peer)
        self.news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self.news.clear()
            await self.news.wait()


def story(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test in a loop of its own, for so long at the most."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            async with asyncio.timeout(LIMIT_S):
                await test(*args, **kwargs)

        asyncio.run(main())

    return run


@asynccontextmanager
async def serving(room: Echo, **limits: float) -> AsyncGenerator[str]:
    """Serve the room at /ws; gives the address without a path."""
    lobby = Lobby(rooms={"/ws": room}, **({"message_bytes": 1_000} | limits))  # type: ignore[arg-type]
    sock = listen(0)
    config = uvicorn.Config(Starlette(), ws=lobby.protocol, log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[sock])
    try:
        yield f"ws://127.0.0.1:{port_of(sock)}"
    finally:
        await server.shutdown(sockets=[sock])


HEAD = (
    b"GET /ws?a=b%20c HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"X-Twice: 1\r\nX-Twice: 2\r\n\r\n"
)


@asynccontextmanager
async def raw(url: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Come in by hand: a client that does nothing of itself, not even answer a ping."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1 << 24)
    try:
        writer.write(HEAD)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        yield reader, writer
    finally:
        writer.close()


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


@story
async def test_what_is_said_is_heard_whole_and_answered() -> None:
    room = Echo()
    async with serving(room) as url, connect(f"{url}/ws") as client:
        await client.send("grüße")
        assert await client.recv() == "grüße"
        await client.send(b"\xff\x00")
        await client.send(["in ", "", "pieces"])

        await room.until(lambda: len(room.heard_) == 3)
        assert room.heard_ == ["grüße".encode(), b"\xff\x00", b"in pieces"]


@story
async def test_a_room_sees_what_the_client_said_as_it_came() -> None:
    room = Echo()
    async with serving(room) as url, raw(url):
        await room.until(lambda: bool(room.handshakes))
    [handshake] = room.handshakes
    assert (handshake.path, handshake.query, handshake.address) == ("/ws", "a=b%20c", "127.0.0.1")
    assert handshake.values("x-twice") == ["1", "2"]
    assert handshake.values("origin") == []


@story
async def test_who_is_refused_is_told_why_and_never_joins() -> None:
    room = Echo(refusal=Refusal(403, "not from there"))
    async with serving(room) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{url}/ws")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"") == {"error": "not from there"}
    assert refused.value.response.headers["Content-Type"] == "application/json"
    assert (room.peers, room.gone) == ([], [])


@story
async def test_where_no_room_is_nobody_comes_in() -> None:
    async with serving(Echo()) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{url}/elsewhere")
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param(masked(Opcode.TEXT, b"x" * 1_001), 1009, id="too long"),
        pytest.param(
            masked(Opcode.TEXT, b"x" * 600, fin=False) + masked(Opcode.CONT, b"x" * 600),
            1009,
            id="too long in pieces",
        ),
        pytest.param(masked(Opcode.TEXT, b"\xff"), 1007, id="text that is no text"),
        pytest.param(Frame(Opcode.TEXT, b"hello").serialize(mask=False), 1002, id="not masked"),
        pytest.param(b"\xff\xff\xff\xff", 1002, id="garbage"),
        pytest.param(masked(Opcode.CLOSE, b"\x03\xe8"), 1000, id="goodbye"),
    ],
)
@story
async def test_what_breaks_the_rules_ends_with_a_code_and_is_not_heard(said: bytes, code: int) -> None:
    room = Echo()
    async with serving(room) as url, raw(url) as (reader, writer):
        writer.write(said)
        answer = await reader.read()
        await room.until(lambda: room.gone == room.peers != [])
    assert answer[0] == 0x80 | Opcode.CLOSE
    assert int.from_bytes(answer[2:4]) == code
    assert room.heard_ == []


@story
async def test_a_client_is_sent_away_with_a_reason_as_long_as_one_may_be() -> None:
    room = Echo()
    async with serving(room) as url, connect(f"{url}/ws") as client:
        await room.until(lambda: bool(room.peers))
        room.peers[0].send(text_frame(b"last words"))
        room.peers[0].close(POLICY_VIOLATION, "ü" * 100)
        room.peers[0].send(text_frame(b"too late"))

        assert await client.recv() == "last words"
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
        await room.until(lambda: room.gone == room.peers)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (POLICY_VIOLATION, "ü" * 61)


@story
async def test_who_does_not_answer_a_goodbye_is_cut_off() -> None:
    room = Echo()
    async with serving(room, close_s=0.01) as url, raw(url):
        await room.until(lambda: bool(room.peers))
        room.peers[0].close(POLICY_VIOLATION)

        await room.until(lambda: room.gone == room.peers)


@story
async def test_who_vanishes_has_left_once() -> None:
    room = Echo()
    async with serving(room) as url, raw(url) as (_, writer):
        await room.until(lambda: bool(room.peers))
        writer.transport.abort()
        await room.until(lambda: bool(room.gone))

        room.peers[0].send(text_frame(b"nobody hears it"))
        room.peers[0].close(POLICY_VIOLATION)
        assert not room.peers[0].is_open
    assert room.gone == room.peers


@story
async def test_who_half_closes_has_gone() -> None:
    room = Echo()
    async with serving(room) as url, raw(url) as (_, writer):
        writer.write_eof()
        await room.until(lambda: room.gone == room.peers != [])


@story
async def test_who_gives_no_sign_of_life_is_cut_off() -> None:
    room = Echo()
    async with serving(room, ping_s=0.02) as url, raw(url) as (reader, _):
        await room.until(lambda: room.gone == room.peers != [])
        assert await reader.read() == b"\x89\x00"


@story
async def test_who_answers_stays() -> None:
    room = Echo()
    async with serving(room, ping_s=0.2) as url, raw(url) as (reader, writer):
        for _ in range(3):
            assert await reader.readexactly(2) == b"\x89\x00"
            writer.write(masked(Opcode.PONG, b""))
        assert room.gone == []


@story
async def test_who_does_not_read_is_behind_until_it_has_read_all() -> None:
    room = Echo()
    frame = text_frame(b"x" * 65_536)
    async with serving(room) as url, raw(url) as (reader, _):
        await room.until(lambda: bool(room.peers))
        peer = room.peers[0]
        sent = 0
        while peer.behind_bytes < 8 * len(frame):  # the kernel takes some, the client's own buffer the rest
            peer.send(frame)
            sent += 1
            await asyncio.sleep(0)
        assert room.drains == 0
        await reader.readexactly(sent * len(frame))
        await room.until(lambda: room.drains == 1)
        assert peer.behind_bytes == 0
        assert peer.is_open


@story
async def test_all_are_told_when_the_server_ends() -> None:
    room = Echo()
    async with serving(room) as url:
        client = await connect(f"{url}/ws")
        await room.until(lambda: bool(room.peers))
    with pytest.raises(ConnectionClosed) as closed:
        await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == GOING_AWAY
    assert room.gone == room.peers


def test_what_stands_before_thousands_of_texts_is_what_stands_before_one() -> None:
    sizes = [0, 1, 125, 126, 1_023, 1_024, 65_535, 65_536, 100_000]
    texts = [b"x" * size for size in sizes]
    heads = text_heads(sizes)
    assert [head + text for head, text in zip(heads, texts, strict=True)] == list(map(text_frame, texts))
