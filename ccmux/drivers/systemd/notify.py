"""Tells the service manager how things stand: sd_notify(3), and the watchdog of sd_watchdog_enabled(3).

It never raises: a service manager that does not listen is no reason to stop. Nor does it ever wait: a manager
that is stopped, or has much to hear, has no room for a message. What is said again soon is dropped then; what
is said once waits in order until there is room. Where none started us (no NOTIFY_SOCKET) it is silent.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence

import structlog

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
        self._waiting: deque[tuple[bytes, Sequence[int]]] = deque()
        """What must be told yet, oldest first, with descriptors of our own."""
        self._way: socket.socket | None = None
        """Watched for room while something waits."""
        self.reaches = address != ""
        self.watchdog_s = watchdog_s if self.reaches else None

    @classmethod
    def found(cls, environment: Mapping[str, str], *, pid: int) -> Notify:
        """Return the way to whoever started the process `pid` with this environment."""
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog_s=_watchdog_s(environment, pid))

    def ready(self) -> None:
        """Say that everything is in place."""
        self.insist("READY=1")

    def alive(self) -> None:
        """Say that we live, within each `watchdog_s`."""
        self.tell("WATCHDOG=1")

    def status(self, line: str) -> bool:
        """Say how things stand, for `systemctl status`, in one line; return whether it was heard."""
        return self.tell("STATUS=" + " ".join(line.split())[:STATUS_CHARS])

    def stopping(self) -> None:
        """Say that we are about to end."""
        self.tell("STOPPING=1")

    def tell(self, *assignments: str) -> bool:
        """Send assignments as one message, if there is room for it now; return whether it was sent."""
        if not self.reaches:
            return False
        try:
            with self._connected() as way:
                way.send(_message(assignments))
        except OSError as error:
            if not self._said:
                log.warning("service manager not told", reason=error.strerror or str(error))
            self._said = True
            return False
        self._said = False
        return True

    def insist(self, *assignments: str, fds: Sequence[int] = ()) -> bool:
        """Send assignments, and descriptors with them, as one message, now or when there is room for it.

        Returns whether it was sent or waits; where neither, the log says why.
        """
        if not self.reaches:
            return False
        message = _message(assignments)
        try:
            if not self._waiting and self._has_sent(message, fds):
                return True
            if self._way is None:
                self._way = self._connected()
                asyncio.get_running_loop().add_writer(self._way, self._send_waiting)
        except OSError as error:
            _say_untold(message, error.strerror or str(error))
            return False
        self._waiting.append((message, [os.dup(fd) for fd in fds]))
        return True

    def close(self) -> None:
        """Insist no more; what waits yet is not told, and the log says so."""
        if self._way is not None:
            asyncio.get_running_loop().remove_writer(self._way)
            self._way.close()
            self._way = None
        while self._waiting:
            _say_untold(self._done_with_first(), "it had no room for it")

    def _send_waiting(self) -> None:
        while self._waiting and self._way is not None:
            message, fds = self._waiting[0]
            try:
                socket.send_fds(self._way, [message], fds)
            except BlockingIOError:
                return
            except OSError as error:
                _say_untold(message, error.strerror or str(error))
            self._done_with_first()
        self.close()

    def _done_with_first(self) -> bytes:
        message, fds = self._waiting.popleft()
        for fd in fds:
            os.close(fd)
        return message

    def _has_sent(self, message: bytes, fds: Sequence[int]) -> bool:
        """Send a message if there is room for it now. Raises OSError where nobody would ever hear it."""
        with self._connected() as way:
            try:
                socket.send_fds(way, [message], fds)
            except BlockingIOError:
                return False
        return True

    def _connected(self) -> socket.socket:
        way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            way.setblocking(False)
            way.connect(self._address)
        except BaseException:
            way.close()
            raise
        return way


def _message(assignments: Sequence[str]) -> bytes:
    return "\n".join(assignments).encode(errors="replace")


def _say_untold(message: bytes, reason: str) -> None:
    what, _, _ = message.decode().partition("=")
    log.warning("service manager not told", what=what, reason=reason)


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """Return the watchdog's patience in seconds, None where it is not for this process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    if not microseconds.isascii() or not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000
