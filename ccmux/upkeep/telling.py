"""How the self-check's message comes to Claude: through the FIFO in.selfcheck, made where it is missing.

A FIFO's bytes may be lost with the power, and nobody says when they were taken. So the daemon is asked; where
it does not have the message it goes into the spool of `ccmux send` too, and its key lets it be taken once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ccmux.client import spool_message
from ccmux.core.errors import DaemonUnreachable, RequestRefused
from ccmux.core.selfcheck import CHANNEL
from ccmux.drivers.input_writer import write_line
from ccmux.place import Place

LATE_S = 20.0
"""So long a daemon that is about to start is waited for."""

ARRIVES_S = 5.0
"""So long the message may take to a reader, and from there to the database."""

_AGAIN_S = 0.1


def await_daemon(place: Place) -> bool:
    """Wait until the daemon answers, and return True; False where it is too late."""
    until_s = time.monotonic() + LATE_S
    while time.monotonic() < until_s:
        try:
            with place.control() as control:
                control.ask("status")
        except DaemonUnreachable:
            time.sleep(_AGAIN_S)
        else:
            return True
    return False


def deliver(place: Place, line: bytes, message: Mapping[str, Any], *, awaited: bool) -> str:
    """Bring the message to where it is kept, and return the way it went.

    Args:
        place: The project's.
        line: The message as a line of a FIFO's.
        message: The same as an object.
        awaited: Whether a reader is worth waiting for; else there is one, or none.

    Raises:
        OSError: There is no way.

    """
    limit_s = ARRIVES_S if awaited else 0.0
    why_not = write_line(place.paths.runtime_dir, f"in.{CHANNEL}", line, limit_s=limit_s)
    if not why_not and _arrived(place, str(message["id"])):
        return f"in.{CHANNEL}"
    spool_message(place.paths.send_spool, message)
    return f"the spool ({why_not or 'nobody has taken it yet'})"


def _arrived(place: Place, key: str) -> bool:
    """Whether the daemon has the message on disk; it may take a moment."""
    until_s = time.monotonic() + ARRIVES_S
    while True:
        try:
            with place.control() as control:
                if control.ask("show", id=key)["messages"]:
                    return True
        except (DaemonUnreachable, RequestRefused):
            return False
        if time.monotonic() >= until_s:
            return False
        time.sleep(_AGAIN_S)
