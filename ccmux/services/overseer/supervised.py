"""A task, and what there is of it only while the overseer lives: its process, its newest events, a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ccmux.core.overseer.events import EVENTS_KEPT, Output, OutputWords, Ring
from ccmux.core.overseer.lines import LineCutter
from ccmux.core.overseer.protocol import Id
from ccmux.core.overseer.task import Task
from ccmux.websocket import Peer


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for something, and by which id the answer is known."""

    peer: Peer
    id: Id = None


@dataclass(slots=True, kw_only=True, eq=False)
class Supervised:
    """One task.

    Attributes:
        task: What is to become of it.
        environment: More variables than its process inherits.
        ring: Its newest events, also of processes before this one.
        has_run: A process of it ran since we began.
        timer: When it starts again.
        start_asked: Who waits for its start, None where it starts by itself.
        stop_asked: Who is told of its end by an id.

    """

    task: Task
    environment: Mapping[str, str] = field(default_factory=dict)
    ring: Ring = field(default_factory=Ring)
    has_run: bool = False
    timer: asyncio.TimerHandle | None = None
    start_asked: Asker | None = None
    stop_asked: dict[Peer, Asker] = field(default_factory=dict)
    _next_seq: int = 1
    _streams: dict[str, tuple[LineCutter, OutputWords]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether it is a task at all: one that never ran, and whose first start is awaited, is none yet."""
        return self.start_asked is None or self.task.record.last_started_at is not None

    def begin_output(self) -> None:
        """Expect what a new process prints."""
        record = self.task.record
        self._streams = {
            stream: (LineCutter(), OutputWords(record.task_id, record.pid, stream))
            for stream in ("stdout", "stderr")
        }

    def output(self, stream: str, chunk: bytes, *, now: float) -> Output | None:
        """Return the events of what it printed, None where no line is whole yet; no bytes are its end."""
        cutter, words = self._streams[stream]
        cut = cutter.feed(chunk) if chunk else cutter.flush()
        if not cut.texts:
            return None
        output = words.said(cut, now=now, seq=self._next_seq)
        self._next_seq += len(cut.texts)
        self.ring.add(output.newest(EVENTS_KEPT), now=now)
        return output

    def wake_no_more(self) -> None:
        """Start it at no set time."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
