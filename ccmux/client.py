"""How other programs speak with a daemon, blocking; and where they leave a message while it is down.

Adapters see this and nothing else of ccmux. It imports next to nothing but the standard library, for it
must start fast.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ccmux.core.errors import DaemonUnreachable, RequestRefused, Unreached
from ccmux.files import replace_file

ANSWER_TIMEOUT_S = 10.0
_READ_BYTES = 65_536

WayOut = Callable[[Unreached], str]
"""Says what to do about a daemon that is not reached; "" is what everybody is told."""


class _Lines:
    """A connected Unix socket as lines of JSON. Every failure of the connection is DaemonUnreachable."""

    def __init__(self, path: str, *, timeout_s: float, way_out: WayOut | None = None) -> None:
        self._path = path
        self._way_out = way_out
        self._unread = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise self._lost(error) from error

    def send(self, value: Mapping[str, Any], *, timeout_s: float) -> None:
        # A lone surrogate becomes its JSON escape: the daemon then refuses it in words.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(text.encode(errors="backslashreplace") + b"\n")
        except OSError as error:
            raise self._lost(error) from error

    def receive(self, *, timeout_s: float | None) -> dict[str, Any]:
        """Return the next line's object.

        Raises:
            DaemonUnreachable: The connection ended, or what came is no object.
            TimeoutError: No whole line came in time.
        """
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            self._read_more(until_s)
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        try:
            value = json.loads(line)
        except ValueError as error:
            raise self.unreachable("what answers there does not speak JSON", Unreached.OTHER) from error
        if not isinstance(value, dict):
            raise self.unreachable("what answers there is no daemon of ccmux", Unreached.OTHER)
        return value

    def _read_more(self, until_s: float | None) -> None:
        left_s = None if until_s is None else until_s - time.monotonic()
        if left_s is not None and left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)
        try:
            read = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from error
        if not read:
            raise self.unreachable("it closed the connection")
        self._unread += read

    def unreachable(self, reason: str, unreached: Unreached = Unreached.NOBODY) -> DaemonUnreachable:
        """Return the error, with the way out."""
        way_out = "" if self._way_out is None else self._way_out(unreached)
        return DaemonUnreachable(self._path, reason, unreached, way_out=way_out)

    def _lost(self, error: OSError) -> DaemonUnreachable:
        # A TimeoutError of a socket's has no number; one of the kernel's (ETIMEDOUT) means the same.
        unreached = Unreached.SILENT if isinstance(error, TimeoutError) else Unreached.NOBODY
        return self.unreachable(_reason(error), unreached)

    def close(self) -> None:
        self._socket.close()


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or "no answer in time"


class ControlClient:
    """Questions to a daemon, one at a time, over one connection that is made at the first.

    Attributes:
        project: The project the daemon must be of; "" takes any.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        project: str = "",
        timeout_s: float = ANSWER_TIMEOUT_S,
        way_out: WayOut | None = None,
    ) -> None:
        self._path = os.fspath(path)
        self._timeout_s = timeout_s
        self._way_out = way_out
        self._lines: _Lines | None = None
        self.project = project

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Return the daemon's answer.

        Raises:
            DaemonUnreachable: Nobody answered, or the daemon is of another project. What was asked for may
                have happened: a message is sent again with the same `id`, and taken once.
            RequestRefused: The daemon said no.
        """
        request = {"op": op, **({"project": self.project} if self.project else {}), **fields}
        lines = self._lines or _Lines(self._path, timeout_s=self._timeout_s, way_out=self._way_out)
        self._lines = lines
        try:
            lines.send(request, timeout_s=self._timeout_s)
            answer = lines.receive(timeout_s=self._timeout_s)
        except TimeoutError as error:
            self.close()
            raise lines.unreachable("no answer in time", Unreached.SILENT) from error
        except DaemonUnreachable:
            self.close()
            raise
        if answer.get("ok") is True:
            return answer
        sentence = str(answer.get("error", "it said no without a reason"))
        if answer.get("code") == "other project":
            raise lines.unreachable(sentence, Unreached.OTHER)
        raise RequestRefused(sentence)

    def close(self) -> None:
        """End the connection; the next question makes a new one."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None


class EventStream:
    """The daemon's events, one after the other. Being cut off for slowness is mended: nothing is missed."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        since: int | None = None,
        types: Sequence[str] = (),
        way_out: WayOut | None = None,
    ) -> None:
        """Connect.

        Args:
            path: `output.sock`.
            since: Number of the last event known; those after it come first. None: only what happens now.
            types: Only these types of events; none means all.
            way_out: Says what to do where nobody listens.

        Raises:
            DaemonUnreachable: Nobody listens there.
        """
        self._path = os.fspath(path)
        self._types = list(types)
        self._way_out = way_out
        self._lines = self._connect(since)

    def _connect(self, since: int | None) -> _Lines:
        lines = _Lines(self._path, timeout_s=ANSWER_TIMEOUT_S, way_out=self._way_out)
        asked: dict[str, Any] = {} if since is None else {"since": since}
        if self._types:
            asked["types"] = self._types
        try:
            lines.send(asked, timeout_s=ANSWER_TIMEOUT_S)
        except DaemonUnreachable:
            lines.close()
            raise
        return lines

    def next(self, *, timeout_s: float | None = None) -> dict[str, Any]:
        """Return the next event; None waits for ever.

        Raises:
            DaemonUnreachable: The daemon ended the stream.
            TimeoutError: Nothing came in time.
        """
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = None if until_s is None else until_s - time.monotonic()
            event = self._lines.receive(timeout_s=left_s)
            if event.get("type") != "error":
                return event
            if "resume_since" not in event:
                raise self._lines.unreachable(
                    str(event.get("error", "it ended the stream")), Unreached.REFUSED
                )
            self._lines.close()
            self._lines = self._connect(int(event["resume_since"]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            yield self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the stream."""
        self._lines.close()


def spool_message(spool: str | os.PathLike[str], message: Mapping[str, Any]) -> Path:
    """Put a message on disk for the daemon's next start, and return its file once it is durable.

    Args:
        spool: The folder; made, 0700, if it is missing.
        message: An object as a line of a FIFO has it, with `channel` and the sender's own `id`.

    Raises:
        OSError: It could not be written; nothing was left behind that anybody would take.
    """
    folder = Path(spool)
    for missing in [parent for parent in (*reversed(folder.parents), folder) if not parent.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
    # Names sort by time; the daemon looks at names that do not start with a dot.
    name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}.json"
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    replace_file(folder / name, text.encode(errors="backslashreplace"), mode=0o600)
    return folder / name
