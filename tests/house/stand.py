"""A whole ccmux for a test: the real daemon as a process, real tmux, and the real CLI or the demo agent.

Everything is in a folder of the test's own and on a tmux socket of its own. Waiting is by what happens: an
event on output.sock, a line in a FIFO, a screen that changes; only a failure meets the limit of a wait.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from ccmux.client import ControlClient
from ccmux.core.errors import DaemonUnreachable
from tests.claude.api import ScriptedApi
from tests.claude.real import find_claude, scratch_home
from tests.house.ports import LentPort

LIMIT_S = 30.0
BYPASS = ("--dangerously-skip-permissions",)
MANUAL = ("--permission-mode", "manual")

Event = dict[str, Any]


class Stand:
    """One project with its daemon, its Claude, and everything a person or an adapter would use."""

    def __init__(self, folder: Path, *, agent: str, args: Sequence[str] = BYPASS) -> None:
        """`agent` is "real" or "demo"; `args` are Claude's."""
        self.agent = agent
        self.folder = folder
        self.project = folder / "project"
        self.run = folder / "run"
        self.socket = f"ccmux-test-{uuid.uuid4().hex[:12]}"
        self._port = LentPort()
        self.port = self._port.number
        self.api: ScriptedApi | None = None
        self.daemon: subprocess.Popen[bytes] | None = None
        self.claude_home = folder / "home"
        self.args = tuple(args)
        self.settings: dict[str, dict[str, Any]] = {}
        self.environment: dict[str, str] = {}

    # ------------------------------------------------------------------------------------------- in and out

    def __enter__(self) -> Self:
        self.project.mkdir(parents=True)
        self.environment = scratch_home(self.claude_home, self.project) | {
            "CCMUX_DATA_DIR": str(self.folder / "data"),
            "CCMUX_SECRETS_DIR": str(self.folder / "secrets"),
            "CCMUX_DEMO_ANSWERS": "0",
        }
        if self.agent == "real":
            command = [find_claude()]
            self.api = ScriptedApi().__enter__()
            self.environment["ANTHROPIC_BASE_URL"] = self.api.url
        else:
            command = [sys.executable, "-m", "ccmux.demo"]
        self.settings = {
            "project": {"name": "stand"},
            "runtime": {"dir": str(self.run)},
            "mcp": {"port": self.port},
            "tmux": {"socket": self.socket},
            "claude": {"command": command, "args": list(self.args)},
            "recovery": {"backoff_initial": 0.1},
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.show()
        self.stop(check=False)
        self.tmux("kill-server", check=False)
        self._port.give_back()
        if self.api is not None:
            self.api.__exit__(None, None, None)

    def show(self) -> None:
        """Print what a person would look at after a failure."""
        with suppress(OSError, AssertionError):
            print("--- screen\n" + self.screen())
        for name in ("data/logs/stand.log", "stderr"):
            with suppress(OSError):
                print(f"--- {name}\n" + (self.folder / name).read_text()[-8_000:])

    def distrust(self) -> None:
        """Take back the trust in the project's folder, before the start."""
        if self.agent == "demo":
            self.environment["CCMUX_DEMO_STARTUP"] = "trust"
        path = self.claude_home / ".claude.json"
        state = json.loads(path.read_text())
        del state["projects"]
        path.write_text(json.dumps(state))

    # ---------------------------------------------------------------------------------------------- daemon

    def start(self, *, wait: bool = True) -> Self:
        """Start the daemon; `wait` until its state is idle."""
        (self.project / "ccmux.toml").write_text(tomli_w.dumps(self.settings))
        with (self.folder / "stderr").open("ab") as errors:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "ccmux"],
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )
        until(self._answers, "the daemon answers")
        if wait:
            self.until_state("idle")
        return self

    def _answers(self) -> bool:
        assert self.daemon is not None
        code = self.daemon.poll()
        if code is not None:
            raise AssertionError(
                f"the daemon ended with {code}: {(self.folder / 'stderr').read_text()[-3000:]}"
            )
        with suppress(DaemonUnreachable):
            return bool(self.status())
        return False

    def stop(self, *, check: bool = True) -> int:
        """End the daemon with SIGTERM; it must be gone in time."""
        if self.daemon is None:
            return 0
        daemon, self.daemon = self.daemon, None
        daemon.send_signal(signal.SIGTERM)
        try:
            code = daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            if check:
                raise
            return -9
        if check:
            assert code == 0
        return code

    def kill(self) -> None:
        """End the daemon with SIGKILL."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def ccmux(self, *args: str, text: str | None = None, check: bool = True) -> str:
        """Run a command of ours and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "ccmux", *args],
            cwd=self.project,
            env=self.environment,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done.stdout

    def control(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the daemon on control.sock."""
        with ControlClient(self.run / "control.sock", project="stand") as client:
            return client.ask(op, **fields)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.control("status")["status"]
        return status

    def until_state(self, state: str, *, hold: str | None = None) -> dict[str, Any]:
        """Wait until `ccmux status` says so."""
        last: dict[str, Any] = {}

        def is_so() -> bool:
            nonlocal last
            last = self.status()
            return last["state"] == state and (hold is None or last["hold"] == hold)

        until(is_so, lambda: f"state {state}, hold {hold}; is {last.get('state')}, {last.get('hold')}")
        return last

    # ------------------------------------------------------------------------------------------ ways in, out

    def write(self, line: str | Mapping[str, Any], *, fifo: str = "in") -> None:
        """Write one line to a FIFO, as a shell's echo does."""
        text = line if isinstance(line, str) else json.dumps(line)
        with (self.run / fifo).open("w") as pipe:
            pipe.write(text + "\n")

    @contextmanager
    def following(self, *, since: int | None = None, types: Sequence[str] = ()) -> Iterator[Follower]:
        """Follow output.sock."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT_S)
            connection.connect(str(self.run / "output.sock"))
            wish = {"since": self.status()["last_seq"] if since is None else since, "types": list(types)}
            connection.sendall(json.dumps(wish).encode() + b"\n")
            with connection.makefile("rb") as lines:
                yield Follower(lines)

    # ---------------------------------------------------------------------------------------- tmux, Claude

    def tmux(self, *args: str, check: bool = True) -> str:
        """Run a tmux command on our server."""
        done = subprocess.run(
            ["tmux", "-L", self.socket, *args],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def pane(self) -> str:
        return "=ccmux-stand:claude"

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.pane)

    def keys(self, *keys: str) -> None:
        """Press keys in Claude's pane as if by hand."""
        self.tmux("send-keys", "-t", self.pane, *keys)

    @contextmanager
    def attached(self) -> Iterator[Person]:
        """Attach a terminal, as a person does."""
        controller, terminal = pty.openpty()
        attach = subprocess.Popen(
            ["tmux", "-L", self.socket, "attach-session", "-t", "=ccmux-stand"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=self.environment | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(terminal)
        try:
            os.set_blocking(controller, False)
            until(lambda: "attached" in self.tmux("list-clients"), "the terminal is attached")
            yield Person(controller)
        finally:
            attach.kill()  # asked politely it first wants its screen read
            attach.wait()
            os.close(controller)

    @property
    def has_active_client(self) -> bool:
        """Whether somebody pressed a key since attaching; tmux counts whole seconds."""
        clients = self.tmux(
            "list-clients", "-F", "#{client_control_mode} #{client_activity} #{client_created}"
        )
        return any(
            control != "1" and activity != created
            for control, activity, created in (line.split() for line in clients.splitlines())
        )

    def until_screen(self, *words: str) -> str:
        """Wait until all these words are on the screen."""
        last = ""

        def is_so() -> bool:
            nonlocal last
            last = self.screen()
            return all(word in last for word in words)

        until(is_so, lambda: f"{words} on the screen; it is\n{last}")
        return last

    @property
    def claude_pid(self) -> int:
        return int(self.tmux("display-message", "-p", "-t", self.pane, "#{pane_pid}"))

    def transcripts(self) -> list[Path]:
        return sorted(self.claude_home.glob("projects/*/*.jsonl"), key=lambda path: path.stat().st_mtime)

    def prompts(self) -> list[str]:
        """Return what the model was asked by a person, from every transcript, in order."""
        found: list[tuple[str, str]] = []
        for path in self.transcripts():
            for line in path.read_text().splitlines():
                record = json.loads(line)
                content = record.get("message", {}).get("content") if record.get("type") == "user" else None
                if record.get("isMeta") or record.get("toolUseResult") is not None:
                    continue
                if isinstance(content, list):
                    content = "".join(block.get("text", "") for block in content)
                if content:
                    found.append((record.get("timestamp", ""), content))
        return [text for _, text in sorted(found)]


class Person:
    """Somebody at an attached terminal."""

    def __init__(self, controller: int) -> None:
        self._controller = controller

    def pressed(self, text: str) -> bool:
        """Press keys."""
        os.write(self._controller, text.encode())
        return True


class Follower:
    """The lines of output.sock."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self.seen: list[Event] = []

    def next(self) -> Event:
        """Return the next event."""
        try:
            line = self._lines.readline()
        except TimeoutError as error:
            raise AssertionError(f"no event came; seen: {self.seen}") from error
        assert line, f"the stream ended; seen: {self.seen}"
        event: Event = json.loads(line)
        self.seen.append(event)
        return event

    def until(self, type_: str, **fields: Any) -> Event:
        """Return the next event of this type with these fields."""
        while True:
            event = self.next()
            if event["type"] == type_ and all(event.get(key) == value for key, value in fields.items()):
                return event

    def until_sent(self) -> Event:
        """Return the next event that says that Claude has a message; hook and transcript race to say so."""
        while True:
            event = self.until("message")
            if event["state"] in {"submitted", "started"}:
                return event


def text_of(turn: Event) -> str:
    """Return what Claude said in a turn."""
    return "".join(block["text"] for block in turn["turn"] if block["type"] == "text")


def until(is_so: Callable[[], bool], what: str | Callable[[], str]) -> None:
    """Wait until something is so; nothing tells of it, so it is looked at again and again."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


def short_folder() -> Path:
    """Return a new folder with a path short enough for a Unix socket's name (108 bytes)."""
    return Path(tempfile.mkdtemp(prefix="ccx-", dir=os.environ.get("TMPDIR", "/tmp")))


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
