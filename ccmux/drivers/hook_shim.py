"""Puts the hook shim where Claude finds it: a copy in the state directory, so no upgrade pulls it away."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from importlib import resources
from pathlib import Path


def install(path: Path) -> None:
    """Write the shim to `path` (0700) at once; a Claude that runs never meets half a file.

    Raises:
        OSError: The folder is not there or cannot be written.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(resources.files("ccmux.drivers").joinpath("hook_shim.sh").read_bytes())
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def command(path: Path, spool: Path) -> Sequence[str]:
    """Return the argv by which a hook starts the installed shim, also where the folder is mounted noexec."""
    return ("/bin/sh", str(path), str(spool))


__all__ = ["command", "install"]
