"""Whether the daemon runs, what its Claude waits for, and whether the two hear each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ccmux.core import json_text, mcp_config
from ccmux.core.control import way_out
from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns
from ccmux.core.observation import Hold
from ccmux.core.starting import OTHER_PLACE, Starting
from ccmux.core.state import Activity
from ccmux.core.when import age

_PASSING = frozenset({Hold.GENERATING, Hold.TERMINAL_ACTIVE, Hold.SETTLING})
_STOPPING = frozenset({Hold.NOT_RUNNING, Hold.LOGIN_NEEDED})
_NEW_MCP = "ccmux attach, then /exit: Claude starts anew and the entry is written"


class Reach(StrEnum):
    """What came of asking the daemon."""

    ANSWERED = "answered"
    NOBODY = "nobody"
    """Nobody listens on control.sock."""
    SILENT = "silent"
    """Somebody listens, and does not answer as a daemon does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonFacts:
    """What the daemon on control.sock says of itself.

    Attributes:
        reach: Whether it answered.
        reason: Why not, "" where it did.
        status: Its status, empty where it did not answer.

    """

    reach: Reach
    reason: str = ""
    status: Mapping[str, Any]

    @property
    def is_up(self) -> bool:
        return self.reach is Reach.ANSWERED


def judge_daemon(
    facts: DaemonFacts,
    *,
    project: str,
    version: str,
    known: bool,
    settings_changed_s: float | None,
    starting: Starting,
) -> Diagnosis:
    """Judge the daemon.

    Args:
        facts: What came of asking it.
        project: The name this project has.
        version: Of the ccmux that asks.
        known: Whether this is a place of ccmux's at all.
        settings_changed_s: How long ago `ccmux.toml` changed, None where there is none.
        starting: Who starts it.

    """
    status = facts.status
    if facts.reach is Reach.NOBODY:
        if not known:
            return warns("daemon", "", "there is no project here: no ccmux.toml, no state", "ccmux init")
        return warns("daemon", "", "it does not run: messages wait", starting.start)
    if facts.reach is Reach.SILENT:
        return ails("daemon", "", f"it does not answer: {facts.reason}", starting.silent)
    if status.get("session") != project:
        says = f"the one that runs here is of project '{status.get('session')}', not '{project}'"
        return ails("daemon", "", says, OTHER_PLACE)
    if trouble := status.get("trouble"):
        return ails("daemon", "", f"its database waits: {trouble}", "mend that; it goes on by itself")
    if status.get("version") != version:
        says = f"it runs version {status.get('version')}, {version} is installed"
        return warns("daemon", "", says, f"{starting.restart}; Claude goes on meanwhile")
    if status.get("settings"):
        says = "it uses older settings: ccmux.toml was wrong when it started"
        mend = f"mend ccmux.toml, then: {starting.restart}; Claude goes on meanwhile"
        return warns("daemon", "", says, mend)
    up_s = float(status.get("uptime_s", 0.0))
    if settings_changed_s is not None and settings_changed_s < up_s:
        says = "ccmux.toml changed after it started"
        return warns("daemon", "", says, f"{starting.restart}; Claude goes on meanwhile")
    return fine("daemon", "", f"version {version}, up {age(up_s)}")


def judge_claude(status: Mapping[str, Any]) -> Diagnosis:
    """Judge what Claude does, and what holds the queue, with the way out."""
    state, hold = status.get("state"), status.get("hold") or ""
    detail = str(status.get("detail") or "")
    says = f"Claude is {state}" + (f": {hold}" if hold else "") + (f" ({detail})" if detail else "")
    mend = str(status.get("way_out") or way_out(hold))
    if hold == Hold.STARTING and detail:
        says = f"Claude asks at its start: {detail}"
        return ails("session", "claude", says, "ccmux attach, and answer it")
    if hold == Hold.PAUSED:
        return fine("session", "claude", f"Claude is {state}")  # the queue's check tells of it
    if not hold or hold in _PASSING or (hold == Hold.STARTING and state == Activity.STARTING):
        return fine("session", "claude", says)
    return (ails if hold in _STOPPING else warns)("session", "claude", says, mend or "ccmux attach")


def should_have_been_heard(status: Mapping[str, Any]) -> bool:
    """Whether Claude is past its start, so that a hook of it must have come."""
    return bool(status.get("pid")) and status.get("state") not in {Activity.STARTING, Activity.DOWN}


def judge_hooks(
    *, heard_at: float | None, claude_started_at: float, waiting: int, rejected: int, now: float
) -> Diagnosis:
    """Judge whether hooks of the Claude that runs arrive; ask only where one should have been heard.

    Args:
        heard_at: When something last came into the hook spool, epoch seconds; None: there is no spool.
        claude_started_at: When that Claude's process started.
        waiting: Events in the spool that the daemon has not taken.
        rejected: Events that it did not understand.
        now: Epoch seconds.

    """
    # The spool is made before Claude starts, and a hook comes after.
    if heard_at is None or heard_at <= claude_started_at:
        says = "no hook of this Claude ever came: messages are proved late, by the transcript alone"
        mend = "see that no settings of Claude's say disableAllHooks, then /exit in Claude: it starts anew"
        return ails("session", "hooks", says, mend)
    if waiting:
        says = f"{waiting} events lie in the spool and the daemon does not take them"
        return ails("session", "hooks", says, "restart ccmux")
    if rejected:
        says = f"{rejected} events were not understood: this Claude may speak another way"
        return warns("session", "hooks", says, "ccmux upgrade-check")
    return fine("session", "hooks", f"they arrive, the last {age(max(0.0, now - heard_at))} ago")


def judge_mcp(content: bytes | None, *, port: int, daemon_up: bool) -> Diagnosis:
    """Judge our entry in `.mcp.json`, None: there is no file; `port` is where Claude must find us."""
    match mcp_config.renewed(content, port):
        case json_text.Unchanged():
            return fine("session", "mcp", f".mcp.json names port {port}")
        case json_text.Unparsable(reason):
            return ails("session", "mcp", f".mcp.json cannot be read: {reason}", "mend that line by hand")
    said = _url(content)
    if not daemon_up:
        return fine("session", "mcp", "the entry in .mcp.json is written at the next start of Claude")
    if said == mcp_config.entry(port)["url"]:
        return warns("session", "mcp", "the entry in .mcp.json was changed by hand", _NEW_MCP)
    if said:
        says = f".mcp.json sends Claude to {said}, the daemon listens on port {port}"
        return ails("session", "mcp", says, _NEW_MCP)
    return ails("session", "mcp", ".mcp.json has no entry of ccmux: Claude cannot answer channels", _NEW_MCP)


def _url(content: bytes | None) -> str:
    servers = json.loads(content or b"{}").get("mcpServers", {})
    entry = servers.get(mcp_config.SERVER_NAME)
    return str(entry.get("url", "")) if isinstance(entry, dict) else ""
