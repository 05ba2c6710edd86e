"""Puts the hook shim where Claude finds it: a copy in the state directory, so no upgrade pulls it away."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ccmux.files import replace_file


def install(path: Path) -> None:
    """Write the shim to `path` (0700) at once; a Claude that runs never meets half a file.

    Raises:
        OSError: The folder is not there or cannot be written.
    """
    shim = resources.files("ccmux.drivers").joinpath("hook_shim.sh")
    replace_file(path, shim.read_bytes(), mode=0o700)


def command(path: Path, spool: Path) -> Sequence[str]:
    """Return the argv by which a hook starts the installed shim, also where the folder is mounted noexec."""
    return ("/bin/sh", str(path), str(spool))


__all__ = ["command", "install"]
