"""The stand of `ccmux.trial` as tests use it: with the real CLI or the demo agent, and a person at a tty."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ccmux.trial import stand
from ccmux.trial.follower import Event, Follower, text_of
from ccmux.trial.ports import LentPort
from ccmux.trial.stand import BYPASS, MANUAL
from ccmux.trial.waiting import LIMIT_S, until
from tests.claude.real import find_claude

__all__ = [
    "BYPASS",
    "LIMIT_S",
    "MANUAL",
    "Event",
    "Follower",
    "LentPort",
    "Person",
    "Stand",
    "remove",
    "short_folder",
    "text_of",
    "until",
]


class Stand(stand.Stand):
    """One project with its daemon, its Claude, and everything a person or an adapter would use."""

    def __init__(self, folder: Path, *, agent: str, args: Sequence[str] = BYPASS) -> None:
        """`agent` is "real" or "demo"; `args` are Claude's."""
        self.agent = agent
        command = [find_claude()] if agent == "real" else [sys.executable, "-m", "ccmux.demo"]
        super().__init__(folder, command=command, inherited=os.environ, args=args)

    def __enter__(self) -> Self:
        super().__enter__()
        self.environment["CCMUX_DEMO_ANSWERS"] = "0"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.show()
        super().__exit__(kind, error, trace)

    def show(self) -> None:
        """Print what a person would look at after a failure."""
        with suppress(OSError, AssertionError):
            print("--- screen\n" + self.screen())
        for name in ("data/logs/stand.log", "stderr"):
            with suppress(OSError):
                print(f"--- {name}\n" + (self.folder / name).read_text()[-8_000:])

    def distrust(self) -> None:
        """Take back the trust in the project's folder, before the start."""
        self.environment["CCMUX_DEMO_STARTUP"] = "trust"
        super().distrust()

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


class Person:
    """Somebody at an attached terminal."""

    def __init__(self, controller: int) -> None:
        self._controller = controller

    def pressed(self, text: str) -> bool:
        """Press keys."""
        os.write(self._controller, text.encode())
        return True


def short_folder() -> Path:
    """Return a new folder with a path short enough for a Unix socket's name (108 bytes)."""
    return Path(tempfile.mkdtemp(prefix="ccx-", dir=os.environ.get("TMPDIR", "/tmp")))


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
