"""The demo agent's session: its ids and files, its hooks, and the conversation as it was shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ccmux.demo.hooks import Hooks
from ccmux.demo.journal import MODEL, VERSION, Registry, Transcript, new_id
from ccmux.demo.mcp_client import McpClient
from ccmux.demo.options import Options
from ccmux.demo.reactor import Work
from ccmux.demo.screen import Entry, Kind

_SHOWN_AT_MOST = 500
_EFFORT_EVENTS = {"Stop", "StopFailure", "PreToolUse", "PostToolUse", "PermissionRequest"}
_MODE_EVENTS = {"UserPromptSubmit", "Stop", "PreToolUse", "PostToolUse", "PermissionRequest"}


class Session:
    """One conversation; `/clear` moves the program into a new one.

    Attributes:
        entries: The conversation as it is shown, oldest first.
        redraws: Grows when something that is shown already changed.
    """

    def __init__(self, options: Options, cwd: str, environ: Mapping[str, str]) -> None:
        self.options = options
        self.cwd = cwd
        self.mode = options.mode
        self.allowed = set(options.allowed)
        self.prompt_id = ""
        self.entries: list[Entry] = []
        self.redraws = 0
        self.mcp = McpClient(cwd, environ)
        self.hooks = Hooks(options.hooks, cwd, environ)
        self._open(options.resume or options.session_id or new_id())
        if options.resume:
            self._show(self.transcript.resume())
        self.registry: Registry | None = None

    def register(self) -> None:
        """Write the registry file: the start-up dialogs are over."""
        self.registry = Registry(self.options.home, self.cwd, self.transcript.session_id)

    def start_event(self, source: str) -> Work:
        """Return the firing of SessionStart; `source` is startup, resume or clear."""
        more = {} if source == "clear" else {"model": MODEL}
        return self.fire("SessionStart", source=source, **more)

    def renew(self) -> None:
        """Go into a new, empty session (`/clear`)."""
        self.redraws += 1
        self._open(new_id())
        self.prompt_id = new_id()
        if self.registry is not None:
            self.registry.session(self.transcript.session_id)

    def show(self, kind: Kind, text: str) -> None:
        """Add an entry to the conversation."""
        self.entries.append(Entry(kind, text))

    def withdraw(self) -> None:
        """Take the last prompt out of the conversation: it went back into the input box."""
        self.entries.pop()
        self.redraws += 1

    def forget_old_entries(self) -> None:
        """Keep only as much of the conversation as is drawn again after a resize."""
        del self.entries[:-_SHOWN_AT_MOST]

    def payload(self, event: str, **fields: object) -> dict[str, Any]:
        """Return what a hook of this event gets on its standard input."""
        common: dict[str, Any] = {
            "session_id": self.transcript.session_id,
            "transcript_path": str(self.transcript.path),
            "cwd": self.cwd,
        }
        if self.prompt_id:
            common["prompt_id"] = self.prompt_id
        if event in _MODE_EVENTS:
            common["permission_mode"] = self.mode
        if event in _EFFORT_EVENTS:
            common["effort"] = {"level": "medium"}
        return {**common, "hook_event_name": event, **fields}

    def fire(self, event: str, **fields: object) -> Work:
        """Return the firing of an event's hooks, with what they are told as of now."""
        payload = self.payload(event, **fields)
        return Work(lambda: self.hooks.fire(event, payload))

    def end(self, reason: str) -> None:
        """Tell SessionEnd's hooks, wait for them, and take the registry file away."""
        self.hooks.fire("SessionEnd", self.payload("SessionEnd", reason=reason))
        if self.registry is not None:
            self.registry.remove()

    def _open(self, session_id: str) -> None:
        self.transcript = Transcript(self.options.home, self.cwd, session_id, self.mode)
        kind = "ccmux demo agent · no account · thinks nothing, runs nothing"
        self.entries = [Entry(Kind.BANNER, f"Claude Code v{VERSION}\n{kind}\n{os.path.normpath(self.cwd)}")]

    def _show(self, records: list[dict[str, Any]]) -> None:
        for record in records[-_SHOWN_AT_MOST:]:
            content = record.get("message", {}).get("content")
            if record.get("type") == "user" and "promptSource" in record and isinstance(content, str):
                self.show(Kind.PROMPT, content)
            elif record.get("type") == "assistant" and isinstance(content, list):
                for block in content:
                    if block.get("type") == "text":
                        self.show(Kind.SAID, str(block["text"]))
