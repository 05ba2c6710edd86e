"""A home for the programs of live status, with transcripts, hooks and whatever publisher they start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccmux.paths import find_live_paths
from ccmux.trial.waiting import until

CCMUX = str(Path(sys.executable).with_name("ccmux"))


class Desk:
    """Made below a folder of the test's; `close` ends the publisher that runs there."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self.home = base / "home"
        self.home.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            **{name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "PYTHON"))},
            **environment,
        }
        self.paths = find_live_paths({"CCMUX_DATA_DIR": str(self.home / ".ccmux/data")})
        self._processes: list[subprocess.Popen[bytes]] = []

    def claude(self) -> int:
        """Start a process that is Claude to all who look at its number; return that."""
        process = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        self._processes.append(process)
        return process.pid

    def kill_claude(self, pid: int) -> None:
        """Kill it; nobody waits for it yet, so it is a zombie."""
        os.kill(pid, signal.SIGKILL)

    def transcript(self, session_id: str, *lines: Mapping[str, object]) -> Path:
        file = self.home / ".claude/projects/p" / f"{session_id}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as out:
            for line in lines:
                out.write(json.dumps(line).encode() + b"\n")
        return file

    def payload(self, session_id: str, **more: object) -> bytes:
        path = self.home / ".claude/projects/p" / f"{session_id}.jsonl"
        fields = {"session_id": session_id, "transcript_path": str(path), "cwd": str(self.home / "proj")}
        return json.dumps({**fields, **more}).encode()

    def tell(self, verb: str, payload: bytes, *, pid: int = 0, **variables: str) -> None:
        """Call `ccmux live register` or `unregister` as a hook does."""
        run = self.run("live", verb, stdin=payload, CLAUDE_PID=str(pid or ""), **variables)
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")

    def hook(self, argv: Sequence[str], payload: bytes, *, pid: int = 0) -> None:
        """Run an installed hook as Claude does."""
        environment = {**self.environment, "CLAUDE_PID": str(pid or "")}
        run = subprocess.run(
            argv, input=payload, env=environment, cwd=self.home, capture_output=True, check=False
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")

    def run(self, *words: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [CCMUX, *words],
            input=stdin,
            env={**self.environment, **variables},
            cwd=self.home,
            capture_output=True,
            check=False,
        )

    def publishers(self) -> list[int]:
        """Return the processes that have the lock's file open."""
        return holders(self.paths.lock)

    def close(self) -> None:
        for pid in self.publishers():
            os.kill(pid, signal.SIGTERM)
        until(lambda: not self.publishers(), "an end of the publisher")
        for process in self._processes:
            process.kill()
            process.wait()


def holders(lock: Path) -> list[int]:
    """Return the processes that have this file open."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            opened = {str(fd.readlink()) for fd in (folder / "fd").iterdir()}
        except OSError:
            continue
        if str(lock) in opened:
            found.append(int(folder.name))
    return found


def asked(uuid: str, text: str, at: str = "2026-11-20T10:00:00Z") -> dict[str, object]:
    return {"type": "user", "uuid": uuid, "timestamp": at, "message": {"role": "user", "content": text}}


def answered(id_: str, tokens: int, at: str = "2026-11-20T10:00:10Z") -> dict[str, object]:
    return {
        "type": "assistant",
        "requestId": f"req_{id_}",
        "timestamp": at,
        "message": {
            "id": id_,
            "model": "claude-opus-4-8",
            "content": [{"type": "text", "text": "yes"}],
            "usage": {"input_tokens": tokens, "output_tokens": 1},
            "stop_reason": "end_turn",
        },
    }
