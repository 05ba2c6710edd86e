"""`ccmux live register` becomes the shim that Claude's hooks start: one program, however it is called.

It is loaded where Claude waits, so it loads next to nothing itself. It never fails: exit 0, in silence.
"""

# ruff: noqa: PTH109, PTH111, PTH118, PTH120 - pathlib takes longer to load than all of this to do
from __future__ import annotations

import os
import sys
from typing import NoReturn

PUBLISHER = ("-m", "ccmux", "live", "serve")
"""What Python is started with to become the publisher."""


def become_hook(verb: str, *, when: str = "if-told", config: str = "") -> NoReturn:
    """Go on as the shim; what cannot be is nobody's trouble.

    Args:
        verb: "register" or "unregister".
        when: As the shim takes it.
        config: The settings file that names the relay, "" where the environment does.

    """
    data_dir = os.path.expanduser(os.environ.get("CCMUX_DATA_DIR") or "~/.ccmux/data")
    shim = os.path.join(os.path.dirname(os.path.dirname(__file__)), "drivers", "live_hook.sh")
    named = ("--config", config) if config else ()
    publisher = (sys.executable, *PUBLISHER, *named)
    try:
        os.execv(  # noqa: S606 - no shell line: a program of ours
            "/bin/sh", ["/bin/sh", shim, os.path.join(os.getcwd(), data_dir, "live"), verb, when, *publisher]
        )
    except OSError:
        os._exit(0)
