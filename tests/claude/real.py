"""How tests find the real Claude Code CLI, and a home for it."""

from __future__ import annotations

import os
from pathlib import Path

from ccmux.trial import home

_CHECKOUT = Path(__file__).resolve().parents[2]


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


def scratch_home(path: Path, project: Path) -> dict[str, str]:
    """Make `path` a home for the CLI and return the whole environment to start it with."""
    return home.scratch_home(path, project, inherited=os.environ)
