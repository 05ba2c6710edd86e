"""Asks a Claude Code which version it is, in a home that is not the user's."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccmux.core.claude_version import version_in
from ccmux.trial.home import scratch_home

_LIMIT_S = 30.0


def version_of(command: Sequence[str], *, inherited: Mapping[str, str]) -> str:
    """Return its version, "" where it says none.

    Args:
        command: The program and what always stands behind it.
        inherited: The environment we were started with.

    """
    with tempfile.TemporaryDirectory(prefix="ccmux-trial-") as name:
        folder = Path(name)
        environment = scratch_home(folder / "home", folder, inherited=inherited)
        try:
            done = subprocess.run(
                [*command, "--version"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return version_in(done.stdout.decode(errors="replace")) if done.returncode == 0 else ""
