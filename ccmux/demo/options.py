"""What the demo agent was told: command line, settings and environment as one value.

It takes the flags of the Claude Code CLI 2.1.329; those it has no use for are ignored, with their values.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SWITCHES = {
    "--allow-dangerously-skip-permissions", "--ax-screen-reader", "--bare", "--brief", "--chrome",
    "-c",
    "--continue", "--dangerously-skip-permissions", "--disable-slash-commands", "--fork-session", "--ide",
    "--no-chrome", "--replay-user-messages", "--restricted", "--safe-mode", "--strict-mcp-config",
    "--verbose",
}  # fmt: skip
_LISTS = {
    "--add-dir", "--allowedTools", "--allowed-tools", "--betas", "--disallowedTools", "--disallowed-tools",
    "--file", "--mcp-config", "--plugin-dir", "--tools",
}  # fmt: skip
_MODES = {"manual": "default"}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class UsageProblem(Exception):
    """The command line or a file it names cannot be used; the text is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What this run shall do.

    Attributes:
        session_id: Asked for with --session-id, or None.
        resume: The session to go on with, or None.
        mode: The permission mode as hooks name it.
        allowed: Tools that need no permission, from --allowedTools and the settings.
        hooks: The settings' `hooks` table.
        prompt: The first prompt, or "".
        answers: Answers go to the channel that asked, too.
        startup: A start-up dialog to show first, or "".
        home: Claude's folder: registry and transcripts.
    """

    session_id: str | None
    resume: str | None
    mode: str
    allowed: tuple[str, ...]
    hooks: Mapping[str, Any]
    prompt: str
    answers: bool
    startup: str
    home: Path


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options; raises UsageProblem."""
    flags, words = _split(argv)
    settings = _settings(flags["--settings"][-1]) if flags.get("--settings") else {}
    permissions = settings.get("permissions", {})
    mode = (flags.get("--permission-mode") or [permissions.get("defaultMode", "auto")])[-1]
    if "--dangerously-skip-permissions" in flags:
        mode = "bypassPermissions"
    listed = flags.get("--allowedTools", []) + flags.get("--allowed-tools", [])
    allowed = [name for text in listed for name in re.split(r"[,\s]+", text) if name]
    home = Path(environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
    session_id = _last(flags, "--session-id")
    if session_id is not None and not _UUID.fullmatch(session_id):
        raise UsageProblem("Error: Invalid session ID. Must be a valid UUID.")
    return Options(
        session_id=session_id,
        resume=_last(flags, "--resume") or _last(flags, "-r"),
        mode=_MODES.get(mode, mode),
        allowed=(*allowed, *permissions.get("allow", [])),
        hooks=_hooks(settings, home),
        prompt=" ".join(words),
        answers=environ.get("CCMUX_DEMO_ANSWERS", "1") != "0",
        startup=_startup(environ),
        home=home,
    )


def _hooks(settings: Mapping[str, Any], home: Path) -> Mapping[str, Any]:
    """Return the hooks to fire: none where these settings or the user's own say `disableAllHooks`."""
    try:
        users = json.loads((home / "settings.json").read_bytes())
    except (OSError, ValueError):
        users = {}
    is_deaf = settings.get("disableAllHooks") is True or users.get("disableAllHooks") is True
    hooks: Mapping[str, Any] = {} if is_deaf else settings.get("hooks", {})
    return hooks


def _startup(environ: Mapping[str, str]) -> str:
    """Return the start-up dialog to show; trust is not asked for where it was given."""
    wanted = environ.get("CCMUX_DEMO_STARTUP", "")
    if wanted != "trust":
        return wanted
    state_file = Path(environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"
    try:
        projects = json.loads(state_file.read_bytes())["projects"]
        return "" if projects[str(Path.cwd())]["hasTrustDialogAccepted"] is True else wanted
    except (OSError, ValueError, KeyError, TypeError):
        return wanted


def _last(flags: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = flags.get(name)
    return values[-1] if values else None


def _split(argv: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    flags: dict[str, list[str]] = {}
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if not word.startswith("-"):
            words.append(word)
            continue
        name, given, value = word.partition("=")
        values = flags.setdefault(name, [])
        if given:
            values.append(value)
        elif name in _LISTS:
            while rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
        elif name not in _SWITCHES and rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
    return flags, words


def _settings(given: str) -> dict[str, Any]:
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        settings = json.loads(text)
    except OSError as error:
        raise UsageProblem(
            f"Error: Settings file not found: {given} ({os.strerror(error.errno or 0)})"
        ) from error
    except ValueError as error:
        raise UsageProblem(f"Error: Invalid JSON in --settings: {error}") from error
    if not isinstance(settings, dict):
        raise UsageProblem("Error: Invalid JSON in --settings: it is no object")
    return settings
