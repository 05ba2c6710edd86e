"""How Claude Code is started: its words, environment and settings, from the user's wishes and our needs.

It decides only. Who writes the settings file and starts the program is not its business. Facts about the CLI
were measured on version 2.1.329.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from ccmux.core.session_plan import SessionPlan

TOKEN_VARIABLE = "CCMUX_TOKEN"  # noqa: S105 - a name
"""What `.mcp.json` refers to, so that it carries no secret."""

HOOK_EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "Stop",
    "StopFailure",
    "PermissionRequest",
    "Notification",
    "SessionEnd",
)
"""The events our hook spools. It prints nothing, so it never answers a PermissionRequest."""

_HOOK_TIMEOUT_S = 5
_MCP_SERVER = "ccmux"

_OUR_ENV = {
    # In the alternate screen nothing scrolls back, and the input box is drawn another way.
    "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1",
    # A suggestion in the empty input box looks like a draft.
    "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION": "false",
    # An update under a running session changes what was measured.
    "DISABLE_AUTOUPDATER": "1",
    # A survey takes digits typed into the input box as its answer.
    "CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY": "1",
    # Left on an empty prompt would put the session into the background, away from this pane.
    "CLAUDE_CODE_DISABLE_AGENT_VIEW": "1",
    # A summary for a person who comes back is a turn that nobody asked for.
    "CLAUDE_CODE_ENABLE_AWAY_SUMMARY": "0",
}
_OUR_SETTINGS = {
    # The emoji list takes the Enter behind a text that ends in `:smi`.
    "emojiCompletionEnabled": False,
    # Tips come and go where the screen is read.
    "spinnerTipsEnabled": False,
}

_NESTING = frozenset({
    # Marks of a Claude around us: with them the new one takes itself for a child and writes no transcript.
    "AI_AGENT", "CLAUDECODE", "CLAUDE_CODE_BRIDGE_SESSION_ID", "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN", "CLAUDE_CODE_REMOTE",
    "CLAUDE_CODE_SESSION_ATTENDED", "CLAUDE_CODE_SESSION_ID", "CLAUDE_EFFORT", "CLAUDE_ENV_FILE",
    "CLAUDE_PID", "CLAUDE_PROJECT_DIR",
    # No transcript, or no hooks: no proof of delivery.
    "CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SKIP_PROMPT_HISTORY",
    # They submit an interrupted prompt again; that is the queue's decision.
    "CLAUDE_CODE_RESUME_INTERRUPTED_TURN", "CLAUDE_CODE_RESUME_PROMPT",
})  # fmt: skip
SERVICE_VARIABLES = frozenset({
    # Said by systemd to the daemon alone.
    "CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "FDSTORE", "INVOCATION_ID",
    "JOURNAL_STREAM", "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LOGS_DIRECTORY",
    "MAINPID", "MAINPIDFDID", "MANAGERPID", "MANAGERPIDFDID", "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE", "NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "SYSTEMD_EXEC_PID",
    "TRIGGER_TIMER_MONOTONIC_USEC", "TRIGGER_TIMER_REALTIME_USEC", "TRIGGER_UNIT", "WATCHDOG_PID",
    "WATCHDOG_USEC",
})  # fmt: skip
_TERMINAL = frozenset({
    # Of the daemon's own terminal; the pane is another one, and tmux says which.
    "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "STY", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION",
    "TMUX", "TMUX_PANE", "WINDOWID", "_",
})  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# An older tmux server may remember others than the daemon has: they would decide who pays and where Claude's
# files are.
_DAEMONS_WORD = frozenset({
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CONFIG_DIR", *_PROXIES, *_NO_PROXY,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A start of Claude.

    Attributes:
        argv: The program and its arguments; no secret among them.
        env: Variables over those the tmux server has.
        unset: Names that must not come from the tmux server.
        cwd: Where it starts; absolute.
        settings_json: What must stand in the settings file before the start.
        warnings: What the user should know, a sentence each.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    unset: frozenset[str]
    cwd: str
    settings_json: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchProblem:
    """Claude cannot be started so; `reason` is a sentence with the way out."""

    reason: str


def settings_file(args: Sequence[str]) -> str | None:
    """Return the path that the user's own `--settings` names; None where there is none, or JSON itself."""
    given = _split(args)[1]
    return None if given is None or _is_json(given) else given


def plan_launch(
    plan: SessionPlan,
    *,
    command: Sequence[str],
    args: Sequence[str],
    claude_env: Mapping[str, str],
    proxy: str,
    inherited: Mapping[str, str],
    cwd: str,
    token: str,
    settings_path: str,
    hook: Sequence[str],
    user_settings_text: str | None = None,
) -> Launch | LaunchProblem:
    """Return how to start Claude with the conversation of `plan`.

    Args:
        plan: Which conversation, and whether it is resumed.
        command: `[claude] command`: the program and its first words.
        args: `[claude] args`. A `--settings` among them is merged into ours: the CLI obeys only the last.
        claude_env: `[claude] env`; wins over everything but the token.
        proxy: `[claude] proxy`, "" for none of our own.
        inherited: The daemon's environment.
        cwd: The project's folder; absolute.
        token: Of the HTTP face; for `CCMUX_TOKEN`.
        settings_path: Where the caller puts `settings_json`; absolute.
        hook: The argv that takes a hook event on standard input.
        user_settings_text: The content of `settings_file(args)`.
    """
    others, given = _split(args)
    if given is not None and _is_json(given):
        user_settings_text = given
    settings = _merged(user_settings_text, hook, bypass=bypasses(others))
    if isinstance(settings, LaunchProblem):
        return settings
    env = {**claude_environment(claude_env, proxy, inherited), TOKEN_VARIABLE: token}
    session = ("--resume" if plan.resume else "--session-id", plan.session_id)
    return Launch(
        # Ours stand first: a `--` or an open list of values among the user's would swallow them.
        argv=(*command, "--settings", settings_path, *session, *others),
        env=env,
        unset=(_NESTING | SERVICE_VARIABLES | _DAEMONS_WORD) - env.keys(),
        cwd=cwd,
        settings_json=msgspec.json.format(msgspec.json.encode(settings), indent=2).decode() + "\n",
        warnings=tuple(_warnings(env, settings)),
    )


def _split(args: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without `--settings`, and its last value."""
    others: list[str] = []
    given: str | None = None
    words = iter(args)
    for word in words:
        if word == "--settings":
            given = next(words, "")
        elif word.startswith("--settings="):
            given = word.removeprefix("--settings=")
        elif word == "--":
            others += [word, *words]
        else:
            others.append(word)
    return others, given


def _is_json(given: str) -> bool:
    return given.lstrip().startswith("{")


def bypasses(args: Sequence[str]) -> bool:
    """Whether these arguments of Claude's let it ask no permission."""
    alone = {"--dangerously-skip-permissions", "--permission-mode=bypassPermissions"}
    return not alone.isdisjoint(args) or ("--permission-mode", "bypassPermissions") in pairwise(args)


def _merged(text: str | None, hook: Sequence[str], *, bypass: bool) -> dict[str, Any] | LaunchProblem:
    try:
        theirs = msgspec.json.decode(text) if text is not None else {}
    except msgspec.DecodeError as error:
        return _problem(f"is no JSON ({error})")
    if not isinstance(theirs, dict):
        return _problem("must be a JSON object")
    hooks = theirs.get("hooks", {})
    if not isinstance(hooks, dict) or not all(isinstance(entries, list) for entries in hooks.values()):
        return _problem("must hold a table of lists under `hooks`")
    servers = theirs.get("enabledMcpjsonServers", [])
    if not isinstance(servers, list):
        return _problem("must hold a list under `enabledMcpjsonServers`")
    program, *words = hook
    ours = {"type": "command", "command": program, "args": words, "timeout": _HOOK_TIMEOUT_S}
    return {
        **_OUR_SETTINGS,
        **({"skipDangerousModePermissionPrompt": True} if bypass else {}),
        **theirs,
        "enabledMcpjsonServers": servers if _MCP_SERVER in servers else [*servers, _MCP_SERVER],
        "hooks": {**hooks, **{event: [*hooks.get(event, []), {"hooks": [ours]}] for event in HOOK_EVENTS}},
    }


def _problem(what: str) -> LaunchProblem:
    return LaunchProblem(f"the settings named by --settings in [claude] args cannot be used: the text {what}")


def claude_environment(
    claude_env: Mapping[str, str], proxy: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of a Claude that we start: `[claude] env` and `proxy` over what we have ourselves.

    Without the marks of a Claude or a service around us.
    """
    daemons_own = _NESTING | SERVICE_VARIABLES | _TERMINAL
    env = {
        # A shell's exported function has a name that no other program can use.
        name: value
        for name, value in inherited.items()
        if name not in daemons_own and not name.startswith("BASH_FUNC_")
    }
    if proxy:
        env |= dict.fromkeys(_PROXIES[:4], proxy)
    env |= {**_OUR_ENV, **claude_env}
    if any(env.get(name) for name in _PROXIES):
        # Our MCP server is on loopback: a proxy would not find it.
        said = next((env[name] for name in _NO_PROXY if env.get(name)), "")
        hosts = [host.strip() for host in said.split(",") if host.strip()]
        no_proxy = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
        env |= dict.fromkeys(_NO_PROXY, no_proxy)
    return env


def _warnings(env: Mapping[str, str], settings: Mapping[str, Any]) -> list[str]:
    warnings = []
    if env.get("ANTHROPIC_API_KEY"):
        warnings.append(
            "ANTHROPIC_API_KEY is set: Claude bills that key and not a subscription; "
            "where that is not meant, unset it before ccmux starts"
        )
    if settings.get("disableAllHooks"):
        warnings.append(
            "your --settings say disableAllHooks: without hooks ccmux sees late, or never, "
            "that a message was taken; remove it"
        )
    if _MCP_SERVER in (settings.get("disabledMcpjsonServers") or ()):
        warnings.append(
            f"your --settings disable the MCP server '{_MCP_SERVER}': Claude cannot answer channels; "
            "remove it from disabledMcpjsonServers"
        )
    return warnings


__all__ = [
    "HOOK_EVENTS",
    "SERVICE_VARIABLES",
    "TOKEN_VARIABLE",
    "Launch",
    "LaunchProblem",
    "bypasses",
    "claude_environment",
    "plan_launch",
    "settings_file",
]
