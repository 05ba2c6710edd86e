"""Whether Claude Code is there, is the tested one, may be started as set, is logged in, and may be heard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from ccmux.core.claude_version import TESTED, Tried, compared
from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns
from ccmux.core.findings import Verdict
from ccmux.core.observation import Hold
from ccmux.core.state import Activity

_INSTALL = "npm install -g @anthropic-ai/claude-code, or set [claude] command in ccmux.toml"
_TESTED_ONE = f"npm install -g @anthropic-ai/claude-code@{TESTED}"
_METHODS = {
    "claude.ai": "a claude.ai login",
    "api_key": "an API key",
    "oauth_token": "a token of the environment",
    "api_key_helper": "apiKeyHelper of the settings",
    "third_party": "another provider",
}
_BILLED = "an API key of the environment wins over the stored login: that key is billed"


def is_demo(command: Sequence[str]) -> bool:
    """Whether this command starts ccmux's own demo agent."""
    return PurePath(command[0]).name == "ccmux-demo-agent" or ("-m", "ccmux.demo") in pairwise(command)


def judge_demo(command: Sequence[str]) -> list[Diagnosis]:
    """Say that it is the demo agent: it has no login, and minds no root."""
    return [
        fine("claude", "program", f"{' '.join(command)}: ccmux's demo agent, in Claude's place"),
        fine("claude", "version", "that of ccmux"),
        fine("claude", "login", "the demo agent needs none"),
    ]


def works(status: Mapping[str, Any]) -> bool:
    """Whether the daemon's status tells of a Claude that is past its start and all its questions."""
    is_up = status.get("state") in {Activity.IDLE, Activity.BUSY}
    return bool(status.get("pid")) and is_up and status.get("hold") != Hold.LOGIN_NEEDED


def overruled(login: Diagnosis) -> Diagnosis:
    """Return what is to be said of the login beside a session that works: there a guess must be wrong."""
    if login.finding.verdict is Verdict.OK or login.finding.says == _BILLED:
        return login
    return fine("claude", "login", "the session that runs has what it needs")


def judge_program(command: Sequence[str], found: str | None, *, path: str) -> Diagnosis:
    """Judge `[claude] command`: `found` is its program's file, None where there is none on `path`."""
    if found is None:
        searched = ", ".join(dict.fromkeys(path.split(":")))
        return ails("claude", "program", f"'{command[0]}' is not on the PATH: {searched}", _INSTALL)
    return fine("claude", "program", " ".join([found, *command[1:]]))


def judge_version(version: str, *, failure: str, running: str) -> list[Diagnosis]:
    """Judge the version.

    Args:
        version: What the program says of itself; "" where it says none.
        failure: Why it does not say it, "" otherwise.
        running: Version of the Claude that runs, "" where none does or nobody knows.

    """
    tried = compared(version)
    if tried is Tried.UNKNOWN:
        says = f"it does not tell its version: {failure or 'it printed something else'}"
        return [warns("claude", "version", says, "run it by hand: claude --version")]
    found = {
        Tried.TESTED: fine("claude", "version", f"{version}, the tested one"),
        Tried.NEWER: warns(
            "claude", "version", f"{version} is newer than {TESTED}: not tried yet", "ccmux upgrade-check"
        ),
        Tried.OLDER: warns("claude", "version", f"{version} is older than {TESTED}", _TESTED_ONE),
    }
    judged = [found[tried]]
    if running and running != version:
        says = f"{running} runs, {version} is installed: the next start of Claude takes that"
        judged.append(warns("claude", "version", says, "ccmux upgrade-check, then /exit in Claude"))
    return judged


def judge_login(printed: str, *, failure: str, stored: bool) -> Diagnosis:
    """Judge what `claude auth status` printed; nothing of it but the kind of login is told on.

    `failure` says why it printed nothing, `stored` whether there is a file of credentials from a login.
    """
    try:
        status = json.loads(printed)
    except ValueError:
        status = None
    if not isinstance(status, dict) or not isinstance(status.get("loggedIn"), bool):
        says = f"whether somebody is logged in cannot be known: {failure or 'it printed something else'}"
        return warns("claude", "login", says, "look yourself: claude auth status")
    if not status["loggedIn"]:
        return ails(
            "claude", "login", "nobody is logged in", "ccmux attach, then /login; or: claude auth login"
        )
    method = str(status.get("authMethod", ""))
    says = _METHODS.get(method, method or "a way it does not name")
    if method == "api_key" and stored:
        unset = "unset ANTHROPIC_API_KEY where ccmux starts, or claude auth logout"
        return warns("claude", "login", _BILLED, unset)
    if method == "third_party":
        says += f" ({status.get('apiProvider')})"
    if plan := status.get("subscriptionType"):
        says += f" ({plan})"
    return fine("claude", "login", f"by {says}")


def judge_root(*, uid: int, bypasses: bool, environment: Mapping[str, str]) -> Diagnosis | None:
    """Judge a start as root without permissions asked: Claude refuses that outside a sandbox."""
    if uid != 0 or not bypasses or environment.get("IS_SANDBOX") == "1":
        return None
    return ails(
        "claude",
        "root",
        "as root it refuses --dangerously-skip-permissions",
        'run ccmux as another user; in a container: [claude] env = { IS_SANDBOX = "1" }',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A settings file of Claude's: its path, and its text."""

    path: str
    text: str
    managed: bool = False


def deafening(files: Sequence[SettingsFile]) -> list[Diagnosis]:
    """Return what in the user's own settings keeps our hooks from running, or makes a file unreadable."""
    found = []
    for file in files:
        try:
            settings = json.loads(file.text)
        except ValueError as error:
            says = f"{file.path} is no JSON ({error}): Claude goes without it"
            found.append(warns("claude", "settings", says, f"mend it: {file.path}"))
            continue
        if not isinstance(settings, dict):
            continue
        if settings.get("disableAllHooks") is True:
            says = f"{file.path} says disableAllHooks: ccmux does not hear Claude"
            found.append(ails("claude", "hooks", says, f"take disableAllHooks out of {file.path}"))
        if file.managed and settings.get("allowManagedHooksOnly") is True:
            says = f"{file.path} says allowManagedHooksOnly: ccmux does not hear Claude"
            found.append(ails("claude", "hooks", says, f"ask who manages this machine to change {file.path}"))
    return found
