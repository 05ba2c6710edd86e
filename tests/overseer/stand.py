"""A ccmux-overseer of the test's own: a folder, a free port, a process that ends with the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from ccmux.trial.waiting import until
from tests.overseer.client import Client

PROGRAM = "import sys; from ccmux.cli.overseer import entry; sys.exit(entry())"


def lives(pid: int) -> bool:
    """Tell whether a process is there and has not ended: who is not waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class OverseerStand:
    """One overseer, that can be killed and started again."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.arguments = arguments
        self.environment = {
            **os.environ,
            "CCMUX_SECRETS_DIR": str(folder / "secrets"),
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def token(self) -> str:
        return (self.folder / "secrets" / "api_token").read_text().strip()

    def start(self) -> None:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "--port", "0", *self.arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(
            lambda: "overseer started" in self.log or self.process is None or self.process.poll() is not None,
            what="the overseer's start",
        )
        if "overseer started" not in self.log:
            raise AssertionError(self.log)
        self.port = int(self.log.partition('"port": ')[2].partition(",")[0].partition("}")[0])

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def client(self, **more: Any) -> Client:
        return Client(self.port, **more)
