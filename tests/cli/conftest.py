"""A project in a scratch folder, the real program in it, and a scripted daemon for it to speak with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest

from ccmux.core.control import answer, refusal
from ccmux.drivers.line_server import LineServer

PROGRAM = Path(sys.executable).parent / "ccmux"
Answers = Callable[[dict[str, Any]], bytes]


class Project:
    """A folder with a ccmux.toml, and `ccmux` started in it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "my.app"
        self.runtime = root / "run"
        self.data = root / "data"
        self.folder.mkdir()
        self.runtime.mkdir(mode=0o700)
        self.config = self.folder / "ccmux.toml"
        self.config.write_text(f'[runtime]\ndir = "{self.runtime}"\n')
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "CCMUX_DATA_DIR": str(self.data),
            "CCMUX_SECRETS_DIR": str(root / "secrets"),
            "TERM": "xterm",
        }

    @property
    def spooled(self) -> list[dict[str, Any]]:
        files = sorted((self.data / "ccmux" / "my-app" / "spool").glob("[!.]*"))
        return [msgspec.json.decode(file.read_bytes()) for file in files]

    def run(
        self,
        *words: str,
        stdin: str | bytes | BinaryIO = b"",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PROGRAM, *words],
            cwd=cwd or self.folder,
            env={**self.environment, **(env or {})},
            **_given(stdin),
            capture_output=True,
            timeout=60,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def daemon(self, answers: Answers, events: Answers | None = None) -> Iterator[list[dict[str, Any]]]:
        """Answer control.sock with `answers`, and each subscription at output.sock with `events` lines.

        Yields what was asked at control.sock, growing.
        """
        asked: list[dict[str, Any]] = []

        async def control(line: bytes) -> bytes:
            request = msgspec.json.decode(line)
            asked.append(request)
            return answers(request)

        async def output(line: bytes) -> bytes:
            return (events or nothing)(msgspec.json.decode(line))

        loop, ready = asyncio.new_event_loop(), threading.Event()
        main: list[asyncio.Task[None]] = []

        async def house() -> None:
            main.append(asyncio.current_task())  # type: ignore[arg-type]
            servers = [
                (LineServer(self.runtime / "control.sock", line_limit=2**21, refusal=refusal), control),
                (LineServer(self.runtime / "output.sock", line_limit=2**21, refusal=refusal), output),
            ]
            async with asyncio.TaskGroup() as group:
                for server, handler in servers:
                    server.bind()
                    group.create_task(server.serve(handler), name="serve")
                ready.set()

        def live() -> None:
            try:
                loop.run_until_complete(house())
            except asyncio.CancelledError:
                loop.run_until_complete(asyncio.sleep(0))
            finally:
                loop.close()

        thread = threading.Thread(target=live)
        thread.start()
        assert ready.wait(30)
        try:
            yield asked
        finally:
            loop.call_soon_threadsafe(main[0].cancel)
            thread.join(30)
            for name in ("control.sock", "output.sock"):
                (self.runtime / name).unlink(missing_ok=True)


def _given(stdin: str | bytes | BinaryIO) -> dict[str, Any]:
    """Return how a program is given this as its standard input: a file itself, what is written by a pipe."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}


def nothing(request: dict[str, Any]) -> bytes:
    return b""


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)


STATUS = {
    "state": "idle",
    "hold": "",
    "detail": "",
    "way_out": "",
    "paused": False,
    "pid": 7,
    "session": "my-app",
    "session_id": "0f3c",
    "queue": {"queued": 2},
    "restarts": 0,
    "version": "1.2",
    "uptime_s": 7_500,
    "last_seq": 41,
    "out": {},
}


def kind(request: dict[str, Any]) -> bytes:
    """Answer as a daemon that says yes to everything."""
    match request["op"]:
        case "send":
            return answer(id=12, key=request["message"]["id"], duplicate=False)
        case "status":
            return answer(status=STATUS)
        case "messages" | "show":
            return answer(messages=[])
        case "why":
            return answer(holds=[])
        case _:
            return answer()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
