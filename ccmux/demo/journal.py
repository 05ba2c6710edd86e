"""The files an outside program sees of a session: transcript and registry, as Claude Code 2.1.329 does.

It owns both files of its session. The registry is rewritten in place, as the CLI does it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = "2.1.329"
MODEL = "ccmux-demo"
INTERRUPTED = "[Request interrupted by user]"
INTERRUPTED_TOOL = "[Request interrupted by user for tool use]"


def new_id() -> str:
    """Return a new UUID, version 4."""
    raw = bytearray(os.urandom(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def transcript_path(home: Path, cwd: str, session_id: str) -> Path:
    """Return where the transcript of a session in `cwd` is."""
    return home / "projects" / re.sub(r"[^A-Za-z0-9]", "-", cwd) / f"{session_id}.jsonl"


class Transcript:
    """One session's transcript; the file is made with its first record."""

    def __init__(self, home: Path, cwd: str, session_id: str, mode: str) -> None:
        self.path = transcript_path(home, cwd, session_id)
        self.session_id = session_id
        self.mode = mode
        self._cwd = cwd
        self._parent: str | None = None
        self._before_prompt: str | None = None
        self._turns = 0
        self._messages = 0

    def resume(self) -> list[dict[str, Any]]:
        """Go on behind the last record; return the records that are there.

        A prompt that was never answered gets the CLI's own remark.
        """
        records = []
        for line in self.path.read_bytes().split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:  # nothing, or half a line that a crash left behind
                continue
            records.append(record)
            self._parent = record.get("uuid", self._parent)
            self._turns += "promptSource" in record
        with self.path.open("rb+") as file:
            if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")
        if records and "promptSource" in records[-1]:
            self.failed("No response requested.", "", None)
        return records

    def prompt(self, text: str, prompt_id: str, source: str) -> None:
        """Record what a person submitted; `source` is `typed` or `queued`."""
        self._turns += 1
        self._before_prompt = self._parent
        self._chained(
            "user",
            {
                "promptId": prompt_id,
                "message": {"role": "user", "content": text},
                "permissionMode": self.mode,
                "origin": {"kind": "human"},
                "promptSource": source,
                "turnOrigin": "human",
                "turnPosition": {"promptIndex": self._turns, "turnIndex": self._turns},
            },
        )

    def withdraw(self) -> None:
        """Go on before the last prompt: it was interrupted before an answer began. Its record stays."""
        self._turns -= 1
        self._parent = self._before_prompt

    def said(self, block: Mapping[str, Any], message_id: str, stop_reason: str, tokens: int) -> str:
        """Record one block of an answer and return its uuid; the blocks of one message share id and usage."""
        message = {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [block],
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": _usage(11, tokens),
        }
        return self._chained("assistant", {"message": message, "apiBlockIndex": 0, "madeBy": "model"})

    def failed(self, text: str, error: str, status: int | None) -> None:
        """Record an answer of nobody's: an error of the API, or a remark where `error` is ""."""
        message = {
            "id": new_id(),
            "type": "message",
            "role": "assistant",
            "model": "<synthetic>",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "stop_sequence",
            "stop_sequence": "",
            "usage": _usage(0, 0),
        }
        fields: dict[str, Any] = {"message": message, "isApiErrorMessage": bool(error)}
        if error:
            fields |= {"error": error, "apiErrorStatus": status}
        self._chained("assistant", fields)

    def result(
        self, tool_use_id: str, text: str, prompt_id: str, *, is_error: bool, extra: Mapping[str, Any]
    ) -> None:
        """Record a tool's result."""
        block = {"tool_use_id": tool_use_id, "type": "tool_result", "content": text, "is_error": is_error}
        message = {"role": "user", "content": [block]}
        self._chained("user", {"promptId": prompt_id, "message": message, **extra})

    def interrupted(self, prompt_id: str, text: str) -> None:
        """Record that a person interrupted the turn."""
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        self._chained("user", {"promptId": prompt_id, "message": message})

    def shell(self, prompt_id: str, text: str) -> None:
        """Record a `!` command, or its output."""
        self._chained("user", {"promptId": prompt_id, "message": {"role": "user", "content": text}})

    def system(self, subtype: str, **fields: object) -> None:
        """Record a system line."""
        self._chained("system", {"subtype": subtype, **fields, "isMeta": False})

    def turn_over(self, hook_commands: list[str], duration_ms: int) -> None:
        """Record the two lines that end a turn (the first one only where Stop hooks ran)."""
        if hook_commands:
            infos = [{"command": command, "durationMs": 1} for command in hook_commands]
            self._chained(
                "system",
                {
                    "subtype": "stop_hook_summary",
                    "hookCount": len(infos),
                    "hookInfos": infos,
                    "hookErrors": [],
                    "preventedContinuation": False,
                    "stopReason": "",
                    "hasOutput": False,
                    "level": "suggestion",
                    "toolUseID": new_id(),
                },
            )
        self.system("turn_duration", durationMs=duration_ms, messageCount=self._messages)

    def queue(self, operation: str, content: str | None = None) -> None:
        """Record that a prompt was queued (`enqueue`) or taken from the queue (`dequeue`)."""
        fields = {"type": "queue-operation", "operation": operation, "timestamp": _now()}
        self._append(
            fields | {"sessionId": self.session_id} | ({} if content is None else {"content": content})
        )

    def _chained(self, kind: str, fields: Mapping[str, Any]) -> str:
        record_id = new_id()
        head = {"parentUuid": self._parent, "isSidechain": False, "type": kind}
        tail = {
            "uuid": record_id,
            "timestamp": _now(),
            "userType": "external",
            "entrypoint": "cli",
            "cwd": self._cwd,
            "sessionId": self.session_id,
            "version": VERSION,
            "gitBranch": "HEAD",
        }
        self._append({**head, **fields, **tail})
        self._parent = record_id
        self._messages += kind != "system"
        return record_id

    def _append(self, record: Mapping[str, Any]) -> None:
        lines = [record]
        if not self.path.exists():
            # Of the folders that `parents` makes the mode is the umask's.
            self.path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            mine = {"sessionId": self.session_id}
            first = (
                {"type": "mode", "mode": "normal"},
                {"type": "permission-mode", "permissionMode": self.mode},
            )
            lines = [*(head | mine for head in first), record]
        text = "".join(_json(line) + "\n" for line in lines)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, text.encode("utf-8", "replace"))
        finally:
            os.close(fd)


class Registry:
    """`sessions/<pid>.json`: who runs here and whether it is idle, busy or waiting."""

    def __init__(self, home: Path, cwd: str, session_id: str) -> None:
        pid = os.getpid()
        self._path = home / "sessions" / f"{pid}.json"
        now = _ms()
        self._fields: dict[str, Any] = {
            "pid": pid,
            "sessionId": session_id,
            "cwd": cwd,
            "startedAt": now,
            "procStart": Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19],
            "version": VERSION,
            "peerProtocol": 1,
            "kind": "interactive",
            "entrypoint": "cli",
            "name": f"{Path(cwd).name}-demo",
            "nameSource": "derived",
            "status": "idle",
            "updatedAt": now,
            "statusUpdatedAt": now,
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write()

    def status(self, status: str, waiting_for: str = "") -> None:
        """Say idle, busy or waiting; nothing is written where nothing changed."""
        if (self._fields["status"], self._fields.get("waitingFor", "")) == (status, waiting_for):
            return
        self._fields.pop("waitingFor", None)
        self._fields |= {"status": status, "updatedAt": _ms(), "statusUpdatedAt": _ms()}
        if waiting_for:
            self._fields["waitingFor"] = waiting_for
        self._write()

    def session(self, session_id: str) -> None:
        """Say that the program is in another session now."""
        self._fields |= {"sessionId": session_id, "updatedAt": _ms()}
        self._write()

    def remove(self) -> None:
        """Say that the program has ended."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(fd, _json(self._fields).encode())
        finally:
            os.close(fd)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms() -> int:
    return int(time.time() * 1000)
