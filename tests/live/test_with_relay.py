"""Publisher and relay together: what a session does reaches a viewer, key by key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.live.desk import Desk, answered, asked

RELAY = str(Path(sys.executable).with_name("ccmux-relay"))


@pytest.fixture
def viewer(desk: Desk) -> Iterator[ClientConnection]:
    """Run the relay, let the desk tell it, and look at it."""
    program = subprocess.Popen(
        [RELAY, "--port", "0"], env=desk.environment, stderr=subprocess.PIPE, text=True
    )
    assert program.stderr is not None
    try:
        port = json.loads(program.stderr.readline())["port"]
        desk.environment["CC_LIVE_ENDPOINT"] = f"http://127.0.0.1:{port}"
        with connect(f"ws://127.0.0.1:{port}/ws/live", proxy=None) as connection:
            yield connection
    finally:
        program.terminate()
        program.wait()
        program.stderr.close()


def test_a_viewer_sees_all_that_the_publisher_tells(desk: Desk, viewer: ClientConnection) -> None:
    def seen() -> dict[str, Any]:
        told: dict[str, Any] = json.loads(viewer.recv(timeout=30))
        return told

    assert seen() == {"active": False, "sessions": None}
    desk.transcript("s1", asked("u1", "mail anna.smith@web-mail.org"), answered("m1", 100))
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    told = seen()
    preview = json.loads(desk.run("live", "preview").stdout)
    assert told == {"active": True, "sessions": preview["sessions"]}
    assert told["sessions"][0]["last_prompt"] == "mail [email]"
    desk.tell("unregister", desk.payload("s1"))
    assert seen() == {"active": False, "sessions": None}
