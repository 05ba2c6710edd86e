"""How tests start the real Claude Code CLI: where it is, and a home in which it asks and calls nobody.

Only environment and files are prepared here; who starts the program, and with which flags, is the test's
business. Facts measured on Claude Code 2.1.329.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_NESTING_MARKS = ("CLAUDE", "ANTHROPIC", "AI_AGENT")  # a CLI inside a CLI writes no transcript


def find_claude() -> str:
    """Return the absolute path of the real CLI.

    Raises:
        FileNotFoundError: Neither CCMUX_TEST_CLAUDE nor `.cache/claude` of the checkout has it.
    """
    named = os.environ.get("CCMUX_TEST_CLAUDE")
    path = Path(named) if named else _CHECKOUT / ".cache/claude/node_modules/.bin/claude"
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"no Claude Code CLI at {path}; run scripts/test, which installs it there")
    return str(path.absolute())


def scratch_home(
    path: Path, project: Path, *, onboarded: bool = True, trusted: bool = True
) -> dict[str, str]:
    """Make `path` a home for the CLI and return the whole environment to start it with.

    The caller adds ANTHROPIC_BASE_URL (`ScriptedApi.url`). Without it the CLI finds a closed port.

    Args:
        path: A folder of the test's own; made if it is not there.
        project: The folder the CLI will be started in.
        onboarded: Theme and security notes are answered beforehand. If not, the CLI also asks the internet
            whether Anthropic can be reached, so such a test needs a network namespace of its own.
        trusted: The folder trust dialog is answered beforehand.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    state: dict[str, object] = {"projects": {str(project.resolve()): {"hasTrustDialogAccepted": trusted}}}
    if onboarded:
        state |= {"hasCompletedOnboarding": True, "theme": "dark"}
    (path / ".claude.json").write_text(json.dumps(state))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NESTING_MARKS) and not name.upper().endswith("_PROXY")
    }
    return inherited | {
        "HOME": str(path),
        "CLAUDE_CONFIG_DIR": str(path),
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_AUTH_TOKEN": "dummy",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1",
        "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION": "false",
        "IS_SANDBOX": "1",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
