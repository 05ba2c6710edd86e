"""Puts the hook of live status where Claude finds it, and says how it is started.

It starts in milliseconds: no Python runs while Claude waits. See `live_hook.sh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ccmux.files import replace_file

REGISTER, UNREGISTER = "register", "unregister"
ALWAYS, IF_TOLD = "always", "if-told"
"""Whether a session is told of wherever, or only where its environment says to whom."""


def install(path: Path) -> None:
    """Write the shim to `path` (0700) at once; a Claude that runs never meets half a file.

    Raises:
        OSError: The folder is not there or cannot be written.

    """
    shim = resources.files("ccmux.drivers").joinpath("live_hook.sh")
    replace_file(path, shim.read_bytes(), mode=0o700)


def command(path: Path, folder: Path, verb: str, when: str, publisher: Sequence[str]) -> Sequence[str]:
    """Return the argv by which a hook starts the shim, also where its folder is mounted noexec.

    Args:
        path: The shim.
        folder: That of the spool and the lock.
        verb: REGISTER or UNREGISTER.
        when: ALWAYS or IF_TOLD.
        publisher: What becomes the publisher where none runs; it is given the lock.

    """
    return ("/bin/sh", str(path), str(folder), verb, when, *publisher)


__all__ = ["ALWAYS", "IF_TOLD", "REGISTER", "UNREGISTER", "command", "install"]
