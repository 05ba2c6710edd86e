"""From Claude's tool call to an adapter's FIFO: everything real but Claude."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import msgspec
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from ccmux.drivers.clock import WallClock
from ccmux.drivers.file_events import InotifyFileEvents
from ccmux.drivers.output_fifos import OutputFifos
from ccmux.drivers.sqlite import SqliteStore
from ccmux.services.outbox import Outbox
from tests.web.harness import browser, serving


async def calls(runtime_dir: Path, database: Path, *calls: dict[str, str]) -> list[str]:
    """Run the way out as the daemon does, make the calls and return what they said."""
    files = InotifyFileEvents()
    store = await SqliteStore.open(database, session="house", clock=WallClock(), on_events=lambda _: None)
    said = []
    try:
        outbox = Outbox(store=store, outputs=OutputFifos(runtime_dir, files), clock=WallClock())
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            running = group.create_task(outbox.run())
            async with (
                serving(outbox) as served,
                browser(served) as http,
                Client(streamable_http_client(served.url + "/mcp", http_client=http)) as claude,
            ):
                for arguments in calls:
                    result = await claude.call_tool("send_to_channel", arguments)
                    [block] = result.content
                    assert isinstance(block, TextContent)
                    said.append(block.text)
            running.cancel()
    finally:
        await store.close()
        files.close()
    return said


def test_a_long_message_survives_a_restart_and_reaches_its_reader_byte_for_byte(tmp_path: Path) -> None:
    message = 'zwölf 🦉 "quoted"\n\ttab\u2028 ' * 12_000
    assert len(message.encode()) > 300_000
    runtime_dir = tmp_path / "run"
    runtime_dir.mkdir()
    os.mkfifo(runtime_dir / "out.chat", 0o600)
    wishes = [
        {"channel": "chat", "message": message, "id": "k"},
        {"channel": "../run/out.chat", "message": "x"},
    ]
    assert asyncio.run(calls(runtime_dir, tmp_path / "db", *wishes)) == [
        "ok: queued, nobody reads out.chat yet",
        "Error: no channel '../run/out.chat'; there are: chat",
    ]

    def read() -> None:
        with (runtime_dir / "out.chat").open("rb") as fifo:
            got.extend(fifo.readline() for _ in range(2))

    got: list[bytes] = []
    reader = threading.Thread(target=read)
    reader.start()
    said = asyncio.run(calls(runtime_dir, tmp_path / "db", wishes[0], {"channel": "chat", "message": "last"}))
    reader.join()
    assert said == ["ok", "ok"]
    lines = [msgspec.json.decode(line) for line in got]
    assert [(line["id"], line["message"]) for line in lines] == [("k", message), ("2", "last")]
    assert set(lines[0]) == {"id", "ts", "channel", "message", "session"}
