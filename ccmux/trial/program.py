"""Asks a Claude Code which version it is, in a home that is not the user's."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccmux.ask_program import ask_program
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
        argv = [*command, "--version"]
        said = ask_program(argv, environment=environment, cwd=folder, limit_s=_LIMIT_S)
        return version_in(said.out) if said.exit_code == 0 else ""
