"""A home in which Claude Code asks nobody and calls nobody: files and environment. It starts nothing.

Facts measured on Claude Code 2.1.329.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

_KEPT = (
    "USER", "LOGNAME", "SHELL", "TZ", "TMUX_TMPDIR", "LD_LIBRARY_PATH",
    "VIRTUAL_ENV", "PYTHON", "COVERAGE", "CCMUX_TEST_",
)  # fmt: skip
"""Beginnings of the names that go in. All else stays out: logins, proxies, the marks of a Claude we may run
in (a CLI inside a CLI writes no transcript), and the way to the user's service manager."""
_NO_SSH = "#!/bin/sh\nexit 255\n"
"""In front on the PATH: unless it is told not to, 2.1.329 fetches its marketplace from GitHub with the user's
own ssh keys, which ssh finds whatever HOME says. Another version may find another reason."""
_NOBODY = "http://127.0.0.1:9"


def scratch_home(
    path: Path, project: Path, *, inherited: Mapping[str, str], onboarded: bool = True, trusted: bool = True
) -> dict[str, str]:
    """Make `path` a home for the CLI and return the whole environment to start it with.

    The caller adds ANTHROPIC_BASE_URL (`ScriptedApi.url`). Without it the CLI finds a closed port.

    Args:
        path: A folder of the caller's own; made if it is not there.
        project: The folder the CLI will be started in.
        inherited: The environment we were started with; little of it goes in.
        onboarded: Theme and security notes are answered beforehand. If not, the CLI also asks the internet
            whether Anthropic can be reached, so such a test needs a network namespace of its own.
        trusted: The folder trust dialog is answered beforehand.

    """
    temporary = path / "tmp"
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    state: dict[str, object] = {"projects": {str(project.resolve()): {"hasTrustDialogAccepted": trusted}}}
    if onboarded:
        state |= {"hasCompletedOnboarding": True, "theme": "dark"}
    (path / ".claude.json").write_text(json.dumps(state))
    programs = path / "bin"
    programs.mkdir(mode=0o700, exist_ok=True)
    ssh = programs / "ssh"
    ssh.write_text(_NO_SSH)
    ssh.chmod(0o700)
    kept = {name: value for name, value in inherited.items() if name.startswith(_KEPT)}
    return kept | {
        "PATH": f"{programs}:{inherited.get('PATH', os.defpath)}",
        "HOME": str(path),
        "CLAUDE_CONFIG_DIR": str(path),
        "TMPDIR": str(temporary),  # it keeps things of all its sessions there
        "ANTHROPIC_BASE_URL": _NOBODY,
        "ANTHROPIC_AUTH_TOKEN": "dummy",
        # What would leave this machine after all meets a closed port.
        "HTTPS_PROXY": _NOBODY,
        "HTTP_PROXY": _NOBODY,
        "NO_PROXY": "127.0.0.1,localhost",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
        "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1",
        "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION": "false",
        "IS_SANDBOX": "1",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
