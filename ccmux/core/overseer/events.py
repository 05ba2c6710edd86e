"""What clients are told of tasks, as JSON: each event encoded once for all. It sends nothing.

Times are RFC 3339 in UTC. Fields that have nothing to say are left out, where clients expect that.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec

from ccmux.core.overseer.lines import Cut

EVENTS_KEPT = 100
"""Of each task, for who asks what was before."""
BYTES_KEPT = 4 * 1_048_576
"""Of each task as well: a line may be a megabyte. The newest event is kept whatever its size."""

_ENCODER = msgspec.json.Encoder()
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def rfc3339(at: float) -> str:
    """Return epoch seconds as clients read them: "2026-01-31T07:00:00.250000Z"."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> float | None:
    """Return epoch seconds, None where it is no such time."""
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        return None


def said(kind: str, **fields: Any) -> bytes:
    """Return an event or answer of this type; fields that are None are left out."""
    return _ENCODER.encode(
        {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
    )


class OutputWords:
    """Puts the lines of one stream of one process into words: the one event that comes by the million."""

    def __init__(self, task_id: str, pid: int, stream: str) -> None:
        words = _ENCODER.encode({"type": "output", "task_id": task_id, "pid": pid, "stream": stream})
        self._before = words[:-1] + b',"data":'

    def said(self, cut: Cut, *, now: float, seq: int) -> Output:
        """Return the events of these lines, the first with number `seq`."""
        # One call for all of them; a JSON string has no line break in it.
        lines = _ENCODER.encode_lines(cut.texts).split(b"\n")
        lines.pop()
        for place in cut.unfinished:
            lines[place] += b',"more":true'
        after = b',"ts":"%b","seq":' % rfc3339(now).encode()
        return Output(before=self._before, lines=lines, after=after, seq=seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Output events that came at once, not written out yet.

    Attributes:
        before: What all of them begin with.
        lines: What is between, one each.
        after: What stands before each one's number.
        seq: The number of the first.

    """

    before: bytes
    lines: list[bytes]
    after: bytes
    seq: int

    def joined(self, heads: Callable[[list[int]], list[bytes]]) -> bytes:
        """Return all of them as they go to clients; `heads` says what stands before one of so many bytes."""
        return b"".join(self._of_one_width(heads))

    def logged(self) -> bytes:
        """Return all of them as lines."""
        form = b"%b%%b%b%%d}\n" % (_literal(self.before), _literal(self.after))
        return _filled(form, self.lines, range(self.seq, self.seq + len(self.lines)))

    def newest(self, count: int) -> list[bytes]:
        """Return the last ones, each by itself."""
        last = self.lines[-count:]
        first = self.seq + len(self.lines) - len(last)
        return [b"%b%b%b%d}" % (self.before, line, self.after, n) for n, line in enumerate(last, first)]

    def _of_one_width(self, heads: Callable[[list[int]], list[bytes]]) -> Iterator[bytes]:
        """Yield them in runs whose numbers have as many digits, so that one form does for each run.

        One formatting for a thousand events takes a third of the time of a thousand.
        """
        form = b"%%b%b%%b%b%%d}" % (_literal(self.before), _literal(self.after))
        at, until = self.seq, self.seq + len(self.lines)
        while at < until:
            digits = len(str(at))
            end = min(until, 10**digits)
            lines = self.lines[at - self.seq : end - self.seq]
            around = len(self.before) + len(self.after) + digits + 1
            sizes = [around + size for size in map(len, lines)]
            yield _filled(form, heads(sizes), lines, range(at, end))
            at = end


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _filled(form: bytes, *columns: Sequence[Any]) -> bytes:
    """Return the form filled with each row, all in one."""
    return (form * len(columns[0])) % tuple(chain.from_iterable(zip(*columns, strict=True)))


class Ring:
    """The newest events of one task: for a client that comes later, and after the task has crashed."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def add(self, events: Sequence[bytes], *, now: float) -> None:
        """Keep these, and let go of what is too old or too much."""
        newest = events[-EVENTS_KEPT:]
        self._events.extend([(now, event) for event in newest])
        self._bytes += sum(map(len, newest))
        while len(self._events) > EVENTS_KEPT or (self._bytes > BYTES_KEPT and len(self._events) > 1):
            _, oldest = self._events.popleft()
            self._bytes -= len(oldest)

    def since(self, at: float) -> list[bytes]:
        """Return what came at this time or later, oldest first."""
        return [event for came_at, event in self._events if came_at >= at]
