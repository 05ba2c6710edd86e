"""Tells the service manager how things stand: sd_notify(3), and the watchdog of sd_watchdog_enabled(3).

It never raises: a service manager that does not listen is no reason to stop. Where none started us (no
NOTIFY_SOCKET) it is silent.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

import structlog

SEND_S = 1.0
"""So long at most a message waits for room: a manager that is stopped hears nobody."""

STATUS_CHARS = 500

log = structlog.get_logger()


class Notify:
    """The way to the service manager.

    Attributes:
        reaches: Whether there is one to tell.
        watchdog_s: Within so many seconds, again and again, it wants to hear that we live; None: it does not.

    """

    def __init__(self, address: str, *, watchdog_s: float | None = None) -> None:
        """`address` as in NOTIFY_SOCKET: a path, `@NAME` for an abstract one, "" for none."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._said = False
        self.reaches = address != ""
        self.watchdog_s = watchdog_s if self.reaches else None

    @classmethod
    def found(cls, environment: Mapping[str, str], *, pid: int) -> Notify:
        """Return the way to whoever started the process `pid` with this environment."""
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog_s=_watchdog_s(environment, pid))

    def ready(self) -> None:
        """Say that everything is in place."""
        self.tell("READY=1")

    def alive(self) -> None:
        """Say that we live, within each `watchdog_s`."""
        self.tell("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Say how things stand, for `systemctl status`; one line."""
        self.tell("STATUS=" + " ".join(line.split())[:STATUS_CHARS])

    def stopping(self) -> None:
        """Say that we are about to end."""
        self.tell("STOPPING=1")

    def tell(self, *assignments: str, fds: Sequence[int] = ()) -> bool:
        """Send assignments, and descriptors with them, as one message; return whether it was sent."""
        if not self.reaches:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.settimeout(SEND_S)
                way.connect(self._address)
                socket.send_fds(way, ["\n".join(assignments).encode(errors="replace")], fds)
        except OSError as error:
            if not self._said:
                log.warning("service manager not told", reason=error.strerror or str(error))
            self._said = True
            return False
        self._said = False
        return True


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Return the watchdog's patience in seconds, None where it is not for this process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    if not microseconds.isascii() or not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000
