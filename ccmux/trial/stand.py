"""A whole ccmux to try things on: a real daemon process, real tmux, and a Claude or what poses as one.

Everything is in a folder of its own and on a tmux socket of its own. Waiting is by what happens: an event on
output.sock, a line in a FIFO, a screen that changes; only a failure meets the limit of a wait.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from ccmux.client import ControlClient
from ccmux.core.errors import DaemonUnreachable
from ccmux.core.observation import PaneView, Screen
from ccmux.core.screen import read_screen
from ccmux.files import replace_file
from ccmux.trial import leftovers, waiting
from ccmux.trial.api import ScriptedApi
from ccmux.trial.follower import Event, Follower
from ccmux.trial.home import scratch_home
from ccmux.trial.ports import LentPort
from ccmux.trial.waiting import LIMIT_S, NotSo, expect

BYPASS = ("--dangerously-skip-permissions",)
"""Claude asks nothing."""
MANUAL = ("--permission-mode", "manual")
"""Claude asks before it runs a command."""

_STOP_S = 10.0
_LOOK = "#{cursor_x} #{cursor_y} #{pane_in_mode} #{pane_dead}"


class Stand:
    """One project with its daemon, its Claude, and everything a person or an adapter would use.

    Attributes:
        folder: All of it; below it `project`, `home` (Claude's), `data`, `secrets` and `run`, the runtime
            directory. Its path is short: sockets lie in it.
        settings: What `start` writes into ccmux.toml.
        environment: What the daemon is started with.

    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str],
        inherited: Mapping[str, str],
        args: Sequence[str] = BYPASS,
        abandoned: threading.Event | None = None,
    ) -> None:
        """Take what is needed; nothing is started yet.

        Args:
            folder: There, empty, and of the caller's own.
            command: The program that is Claude here.
            inherited: The environment we were started with; see `scratch_home`.
            args: Claude's.
            abandoned: Once it is set, every wait ends with Abandoned.

        """
        self.folder = folder
        self.project = folder / "project"
        self.run = folder / "run"
        self.claude_home = folder / "home"
        self.socket = f"ccmux-trial-{uuid.uuid4().hex[:12]}"
        self.api = ScriptedApi()
        self.daemon: subprocess.Popen[bytes] | None = None
        self.command = tuple(command)
        self.args = tuple(args)
        self.settings: dict[str, dict[str, Any]] = {}
        self.environment: dict[str, str] = {}
        self._inherited = inherited
        self._abandoned = abandoned
        self._port = LentPort()
        self.port = self._port.number
        self._opened = ExitStack()

    # ------------------------------------------------------------------------------------------- in and out

    def __enter__(self) -> Self:
        self._opened.callback(self._port.give_back)
        self.project.mkdir(parents=True)
        self._opened.enter_context(self.api)
        self._opened.callback(self._end)
        self.environment = scratch_home(self.claude_home, self.project, inherited=self._inherited) | {
            "ANTHROPIC_BASE_URL": self.api.url,
            "TMUX_TMPDIR": str(self.folder),  # tmux leaves its socket's file behind
            "CCMUX_DATA_DIR": str(self.folder / "data"),
            "CCMUX_SECRETS_DIR": str(self.folder / "secrets"),
        }
        self.settings = {
            "project": {"name": "stand"},
            "runtime": {"dir": str(self.run)},
            "mcp": {"port": self.port},
            "tmux": {"socket": self.socket},
            "claude": {"command": list(self.command), "args": list(self.args)},
            "recovery": {"backoff_initial": 0.1},
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def _end(self) -> None:
        self.stop(check=False)
        self.tmux("kill-server", check=False)
        leftovers.end(home=str(self.claude_home))

    def distrust(self) -> None:
        """Take back the trust in the project's folder, before the start."""
        path = self.claude_home / ".claude.json"
        state = json.loads(path.read_text())
        del state["projects"]
        path.write_text(json.dumps(state))

    # ---------------------------------------------------------------------------------------------- daemon

    def start(self, *, wait: bool = True) -> Self:
        """Start the daemon; `wait` until its state is idle."""
        # Other commands may run meanwhile, and an empty file would send them to another project.
        replace_file(self.project / "ccmux.toml", tomli_w.dumps(self.settings).encode(), mode=0o600)
        with (self.folder / "stderr").open("ab") as errors:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "ccmux"],
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C is for us alone: we end it
            )
        self.until(self._answers, "the daemon answers")
        if wait:
            self.until_state("idle")
        return self

    def _answers(self) -> bool:
        code = None if self.daemon is None else self.daemon.poll()
        if code is not None:
            raise NotSo(f"the daemon ended with {code}: {(self.folder / 'stderr').read_text()[-3000:]}")
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
            code = daemon.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            if check:
                raise
            return -signal.SIGKILL
        expect(code == 0 or not check, f"the daemon ended with {code}")
        return code

    def kill(self) -> None:
        """End the daemon with SIGKILL."""
        if self.daemon is not None:
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
        expect(done.returncode == 0 or not check, f"ccmux {' '.join(args)}: {done.stderr}")
        return done.stdout

    def control(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the daemon on control.sock."""
        with ControlClient(self.run / "control.sock", project="stand") as client:
            return client.ask(op, **fields)

    def status(self) -> dict[str, Any]:
        """Return what `ccmux status` tells."""
        status: dict[str, Any] = self.control("status")["status"]
        return status

    # --------------------------------------------------------------------------------------------- waiting

    def until(self, is_so: Callable[[], bool], what: str | Callable[[], str]) -> None:
        """Wait until something is so."""
        waiting.until(is_so, what, abandoned=self._abandoned)

    def until_state(self, state: str, *, hold: str | None = None) -> dict[str, Any]:
        """Wait until `ccmux status` says so."""
        last: dict[str, Any] = {}

        def is_so() -> bool:
            nonlocal last
            last = self.status()
            return last["state"] == state and (hold is None or last["hold"] == hold)

        self.until(
            is_so,
            lambda: f"{_state(state, hold)}; it is {_state(last['state'], last['hold'])} {last['detail']}",
        )
        return last

    def until_screen(self, *words: str) -> str:
        """Wait until all these words are on the screen."""
        last = ""

        def is_so() -> bool:
            nonlocal last
            last = self.screen()
            return all(word in last for word in words)

        self.until(is_so, lambda: f"{words} on the screen; it is\n{last}")
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
            connection.connect(str(self.run / "output.sock"))
            wish = {"since": self.status()["last_seq"] if since is None else since, "types": list(types)}
            connection.sendall(json.dumps(wish).encode() + b"\n")
            yield Follower(connection, self._abandoned)

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
        expect(done.returncode == 0 or not check, f"tmux {args[0]}: {done.stderr.strip()}")
        return done.stdout

    @property
    def pane(self) -> str:
        """Claude's pane as a tmux target."""
        return "=ccmux-stand:claude"

    def screen(self) -> str:
        """Return what stands on the screen."""
        return self.tmux("capture-pane", "-p", "-t", self.pane)

    def seen(self) -> tuple[Screen, bool]:
        """Return the screen as ccmux reads it, and whether the pane is in copy mode."""
        *rows, numbers = self.tmux(
            "capture-pane", "-e", "-p", "-t", self.pane, ";", "display-message", "-p", "-t", self.pane, _LOOK
        ).split("\n")[:-1]
        column, row, in_mode, dead = map(int, numbers.split())
        view = PaneView(
            rows=tuple(rows),
            cursor=(column, row),
            in_mode=bool(in_mode),
            dead=bool(dead),
            human_idle_s=None,
        )
        return read_screen(view), bool(in_mode)

    def keys(self, *keys: str) -> None:
        """Press keys in Claude's pane as if by hand."""
        self.tmux("send-keys", "-t", self.pane, *keys)

    @property
    def claude_pid(self) -> int:
        """The process in the pane."""
        return int(self.tmux("display-message", "-p", "-t", self.pane, "#{pane_pid}"))

    def transcripts(self) -> list[Path]:
        """Return Claude's transcripts, the oldest first."""
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

    def ask(self, text: str, *, fifo: str = "in") -> Event:
        """Send a message and return the next turn."""
        with self.following() as events:
            self.write(text, fifo=fifo)
            return events.until("turn")


def _state(state: str, hold: str | None) -> str:
    return f"state {state}" + (f", hold {hold}" if hold else "")
