"""Runs the command hooks of the settings, as Claude Code 2.1.329 does: JSON on stdin, all at once.

A hook that fails or is too slow changes nothing; only PermissionRequest's decision is listened to.
"""

from __future__ import annotations

import json
import os
import re
import subprocess  # hooks are the user's own programs
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIMEOUT_S = {"UserPromptSubmit": 30.0, "SessionEnd": 1.5}
_DEFAULT_TIMEOUT_S = 600.0
_PLAIN_MATCHER = re.compile(r"[A-Za-z0-9_\-, |]*")


@dataclass(frozen=True, slots=True)
class Decision:
    """A PermissionRequest hook's answer; `message` is what a denial says."""

    allow: bool
    message: str


class Hooks:
    """The `hooks` table of the settings; `fire` may be called from any thread."""

    def __init__(self, table: Mapping[str, Any], cwd: str, environ: Mapping[str, str]) -> None:
        self._table = table
        self._cwd = cwd
        self._environ = environ

    def commands(self, event: str, tool: str = "") -> list[str]:
        """Return the commands of an event's hooks, for the transcript."""
        return [str(handler.get("command", "")) for handler in self._handlers(event, tool)]

    def fire(self, event: str, payload: Mapping[str, Any]) -> list[str]:
        """Run all hooks of an event and return what each wrote; waits for them."""
        handlers = self._handlers(event, str(payload.get("tool_name", "")))
        data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        session_id = str(payload.get("session_id", ""))
        outputs = [""] * len(handlers)

        def run(at: int, handler: Mapping[str, Any]) -> None:
            limit_s = float(handler.get("timeout", _TIMEOUT_S.get(event, _DEFAULT_TIMEOUT_S)))
            outputs[at] = self._run(handler, data, session_id, limit_s)

        threads = [
            threading.Thread(target=run, args=(at, handler), daemon=True)
            for at, handler in enumerate(handlers[1:], 1)
        ]
        for thread in threads:
            thread.start()
        if handlers:
            run(0, handlers[0])
        for thread in threads:
            thread.join()
        return outputs

    def _handlers(self, event: str, tool: str) -> list[Mapping[str, Any]]:
        return [
            handler
            for group in self._table.get(event, [])
            if _matches(str(group.get("matcher") or ""), tool)
            for handler in group.get("hooks", [])
            if handler.get("type") == "command"
        ]

    def _run(self, handler: Mapping[str, Any], data: bytes, session_id: str, limit_s: float) -> str:
        command = str(handler.get("command", ""))
        argv = [command, *map(str, handler["args"])] if "args" in handler else ["/bin/sh", "-c", command]
        environ = dict(self._environ) | {
            "CLAUDECODE": "1",
            "CLAUDE_PROJECT_DIR": self._cwd,
            "CLAUDE_PID": str(os.getpid()),
            "CLAUDE_CODE_SESSION_ID": session_id,
            "CLAUDE_CODE_ENTRYPOINT": "cli",
        }
        try:
            done = subprocess.run(
                argv,
                input=data,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._cwd,
                env=environ,
                timeout=limit_s,
                check=False,
                start_new_session=True,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def decision(outputs: list[str]) -> Decision | None:
    """Return what PermissionRequest hooks decided, or None."""
    for output in outputs:
        try:
            behavior = json.loads(output)["hookSpecificOutput"]["decision"]
            return Decision(behavior["behavior"] == "allow", str(behavior.get("message", "")))
        except (ValueError, TypeError, KeyError):
            continue
    return None


def _matches(matcher: str, tool: str) -> bool:
    if matcher in {"", "*"} or not tool:
        return True
    if _PLAIN_MATCHER.fullmatch(matcher):
        return tool in re.split(r"[,|\s]+", matcher)
    return re.search(matcher, tool) is not None
