"""Lines over a real Unix socket."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import socket
import stat
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ccmux.core.errors import RuntimeDirUnsafe
from ccmux.drivers.line_server import LineServer

LIMIT = 200_000
Talk = Callable[[LineServer], Awaitable[None]]


def refusal(sentence: str) -> bytes:
    return b"NO " + sentence.encode() + b"\n"


async def upper(line: bytes) -> bytes:
    return line.strip().upper() + b"\n"


def server_at(path: Path, *, connections: int = 1_000) -> LineServer:
    return LineServer(path, line_limit=LIMIT, refusal=refusal, connections=connections)


def serving(path: Path, talk: Talk, *, connections: int = 1_000, handler: object = upper) -> None:
    """Serve at `path` while `talk` runs."""

    async def house() -> None:
        server = server_at(path, connections=connections)
        server.bind()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(server.serve(handler), name="serve")  # type: ignore[arg-type]
            try:
                await talk(server)
            finally:
                task.cancel()
        server.unlink()

    asyncio.run(house())
    assert not path.exists()


async def ask(path: Path, *lines: bytes) -> list[bytes]:
    reader, writer = await asyncio.open_unix_connection(path, limit=2 * LIMIT)
    answers = []
    for line in lines:
        writer.write(line + b"\n")
        answers.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answers


def test_each_line_gets_its_answer_in_order_on_one_connection(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        assert await ask(tmp_path / "s", b"one", b"two", b"") == [b"ONE\n", b"TWO\n", b"\n"]

    serving(tmp_path / "s", talk)


def test_lines_sent_together_or_in_pieces_are_answered_one_by_one(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"a\nb\nc")
        assert [await reader.readline(), await reader.readline()] == [b"A\n", b"B\n"]
        writer.write(b"d\n")
        assert await reader.readline() == b"CD\n"
        writer.close()
        await writer.wait_closed()

    serving(tmp_path / "s", talk)


def test_a_last_line_without_newline_is_answered_when_its_writer_closes_his_side(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"last")
        writer.write_eof()
        assert await reader.read() == b"LAST\n"
        writer.close()
        await writer.wait_closed()

    serving(tmp_path / "s", talk)


def test_a_line_too_long_is_refused_and_the_next_one_answered(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        answers = await ask(tmp_path / "s", b"x" * LIMIT * 5, b"y" * (LIMIT - 1), b"z")
        assert answers[0].startswith(b"NO the line is longer than 200000 bytes")
        assert answers[1:] == [b"Y" * (LIMIT - 1) + b"\n", b"Z\n"]

    serving(tmp_path / "s", talk)


def test_a_line_too_long_that_never_ends_is_forgotten(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"x" * LIMIT * 2)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    serving(tmp_path / "s", talk)


def test_idle_and_half_open_clients_keep_nobody_waiting(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        idle = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(50)]
        for _, writer in idle[:25]:
            writer.write(b"half")
        assert await ask(tmp_path / "s", b"one") == [b"ONE\n"]
        for _, writer in idle:
            writer.transport.abort()
        assert await ask(tmp_path / "s", b"two") == [b"TWO\n"]

    serving(tmp_path / "s", talk)


def test_a_client_that_never_reads_its_answers_blocks_only_itself(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
            deaf.connect(str(tmp_path / "s"))
            deaf.setblocking(False)
            line = b"x" * 100_000 + b"\n"
            while select.select([], [deaf], [], 0)[1]:
                with suppress(BlockingIOError):
                    deaf.send(line)
                await asyncio.sleep(0)
            assert await ask(tmp_path / "s", b"one") == [b"ONE\n"]

    serving(tmp_path / "s", talk)


def test_at_the_end_also_a_client_that_never_reads_is_left(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:

        async def talk(server: LineServer) -> None:
            deaf.connect(str(tmp_path / "s"))
            deaf.sendall(b"x\n")
            await asked.wait()
            assert await ask(tmp_path / "s", b"one") == [b"ONE\n"]

        asked = asyncio.Event()

        async def handler(line: bytes) -> bytes:
            if line == b"x\n":
                asked.set()
                return b"x" * 10_000_000
            return await upper(line)

        with warnings.catch_warnings(record=True) as warned:
            serving(tmp_path / "s", talk, handler=handler)
            gc.collect()
    assert [str(warning.message) for warning in warned] == []


def test_a_slow_answer_blocks_only_who_asked(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        slow = asyncio.get_running_loop().create_future()

        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"slow\n")
        assert await ask(tmp_path / "s", b"one") == [b"one\n"]
        release.set()
        assert await reader.readline() == b"slow\n"
        writer.close()
        await writer.wait_closed()
        slow.cancel()

    release = asyncio.Event()

    async def handler(line: bytes) -> bytes:
        if line == b"slow\n":
            await release.wait()
        return line

    serving(tmp_path / "s", talk, handler=handler)


def test_a_client_gone_before_its_answer_harms_nobody(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        _, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"gone\n")
        await asked.wait()
        writer.transport.abort()
        assert await ask(tmp_path / "s", b"one") == [b"one\n"]
        release.set()
        assert await ask(tmp_path / "s", b"two") == [b"two\n"]

    asked, release = asyncio.Event(), asyncio.Event()

    async def handler(line: bytes) -> bytes:
        if line == b"gone\n":
            asked.set()
            await release.wait()
            return b"x" * 1_000_000
        return line

    serving(tmp_path / "s", talk, handler=handler)


def test_four_hundred_connections_are_served_at_once(tmp_path: Path) -> None:
    """1,000 need more file descriptors than a test may count on: both ends are in this process."""

    async def talk(server: LineServer) -> None:
        clients = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(400)]
        for _, writer in clients:
            writer.write(b"x\n")
        assert {await reader.readline() for reader, _ in clients} == {b"X\n"}
        for _, writer in clients:
            writer.close()
            await writer.wait_closed()

    serving(tmp_path / "s", talk)


def test_where_all_wait_for_answers_one_more_is_told_so_and_a_free_place_is_used(
    tmp_path: Path,
) -> None:
    async def talk(server: LineServer) -> None:
        clients = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(2)]
        for _, writer in clients:
            writer.write(b"x\n")
            await asked.get()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        assert await reader.read() == b"NO 2 connections are open; close some\n"
        writer.close()
        await writer.wait_closed()
        release.set()
        clients[0][1].write_eof()
        assert await clients[0][0].read() == b"x\n"
        assert await ask(tmp_path / "s", b"one") == [b"one\n"]
        assert await clients[1][0].readline() == b"x\n"
        for _, writer in clients:
            writer.close()
            await writer.wait_closed()

    asked, release = asyncio.Queue[bytes](), asyncio.Event()

    async def handler(line: bytes) -> bytes:
        asked.put_nowait(line)
        await release.wait()
        return line

    serving(tmp_path / "s", talk, connections=2, handler=handler)


def test_where_it_is_full_who_has_asked_nothing_for_the_longest_time_makes_room(
    tmp_path: Path,
) -> None:
    async def talk(server: LineServer) -> None:
        clients = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(4)]
        silent, half, asker, deaf = clients
        for reader, writer in clients:  # all are known now, in this order
            writer.write(b"x\n")
            assert await reader.readline() == b"X\n"
        half[1].write(b"half")
        deaf[1].write(b"big\n")
        await deaf[0].readexactly(1)
        asker[1].write(b"y\n")
        assert await asker[0].readline() == b"Y\n"
        for leaves in (silent, half, deaf):
            more = await asyncio.open_unix_connection(tmp_path / "s")
            more[1].write(b"more\n")
            assert await more[0].readline() == b"MORE\n"
            clients.append(more)
            with suppress(ConnectionResetError):
                await leaves[0].read()
            assert leaves[0].at_eof() or leaves[0].exception() is not None
        asker[1].write(b"z\n")
        assert await asker[0].readline() == b"Z\n"
        for _, writer in clients:
            writer.transport.abort()

    async def handler(line: bytes) -> bytes:
        return b"x" * 10_000_000 if line == b"big\n" else await upper(line)

    serving(tmp_path / "s", talk, connections=4, handler=handler)


def test_a_crowd_that_asks_nothing_keeps_nobody_out(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        crowd = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(300)]
        for _ in range(50):
            assert await ask(tmp_path / "s", b"one") == [b"ONE\n"]
        for _, writer in crowd:
            writer.transport.abort()

    serving(tmp_path / "s", talk, connections=100)


def test_the_socket_is_ours_alone(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600

    old = os.umask(0)
    try:
        serving(tmp_path / "s", talk)
    finally:
        os.umask(old)


def test_a_deleted_socket_is_made_again_and_old_connections_go_on(tmp_path: Path) -> None:
    async def talk(server: LineServer) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"one\n")
        assert await reader.readline() == b"ONE\n"
        assert server.in_place()
        (tmp_path / "s").unlink()
        assert not server.in_place()
        server.bind()
        assert server.in_place()
        assert await ask(tmp_path / "s", b"two") == [b"TWO\n"]
        writer.write(b"three\n")
        assert await reader.readline() == b"THREE\n"
        writer.close()
        await writer.wait_closed()

    serving(tmp_path / "s", talk)


def test_bound_twice_before_anybody_serves_the_second_counts(tmp_path: Path) -> None:
    server = server_at(tmp_path / "s")
    server.bind()
    (tmp_path / "s").unlink()
    server.bind()
    assert server.in_place()
    server.unlink()
    assert not (tmp_path / "s").exists()
    server.unlink()


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "s"))

    async def talk(server: LineServer) -> None:
        assert await ask(tmp_path / "s", b"one") == [b"ONE\n"]

    serving(tmp_path / "s", talk)


def test_the_socket_of_a_living_one_is_not(tmp_path: Path) -> None:
    first, second = server_at(tmp_path / "s"), server_at(tmp_path / "s")
    first.bind()
    with pytest.raises(RuntimeDirUnsafe, match="another program listens on s"):
        second.bind()
    assert not second.in_place()
    second.unlink()
    assert first.in_place()
    first.unlink()


def test_a_socket_whose_backlog_is_full_is_a_living_one(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as living,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client,
    ):
        living.bind(str(tmp_path / "s"))
        living.listen(0)
        client.connect(str(tmp_path / "s"))
        with pytest.raises(RuntimeDirUnsafe, match="another program listens"):
            server_at(tmp_path / "s").bind()


def test_a_file_or_a_link_in_the_sockets_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("file", "link"):
        with pytest.raises(RuntimeDirUnsafe, match="is no socket"):
            server_at(tmp_path / name).bind()
    assert (tmp_path / "link").read_text() == "precious"


def test_the_socket_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / "s"))
    monkeypatch.setattr("os.geteuid", lambda: 4_242)
    with pytest.raises(RuntimeDirUnsafe, match="belongs to somebody else"):
        server_at(tmp_path / "s").bind()
    assert (tmp_path / "s").is_socket()


def test_a_directory_that_is_not_there_or_too_deep_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "s", tmp_path / ("x" * 110)):
        with pytest.raises(RuntimeDirUnsafe, match="refusing runtime directory"):
            server_at(path).bind()
