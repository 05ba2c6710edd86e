"""One task: what becomes of it as it is started, ends, is stopped, and starts again. It acts on nothing.

Each method returns what is to be done and told now, in order. At most one process of a task runs, and what a
process left behind is gone before the next one starts.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from typing import Any

from ccmux.core.overseer.durations import format_duration
from ccmux.core.overseer.events import rfc3339
from ccmux.core.overseer.retry import Again, Done, GivenUp, Past, RetryPolicy, judged

SIGNALLED = -1
"""What clients are told as the exit code of who was ended by a signal."""


class TaskState(StrEnum):
    """As clients know it."""

    ACTIVE = "active"
    """It runs, will run again, or has done its work."""
    STOPPED = "stopped"
    """Somebody stopped it."""
    ERRORED = "errored"
    """It ended too often."""


class Phase(Enum):
    """What there is of it now."""

    NOTHING = auto()
    STARTING = auto()
    """A process was asked for."""
    RUNNING = auto()
    WAITING = auto()
    """It will be started, at a time or once what was before is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What runs, and when it runs again."""

    command: str
    args: tuple[str, ...] = ()
    retry_policy: RetryPolicy | None = None


@dataclass(slots=True, kw_only=True)
class Record:
    """What is kept of a task; times are epoch seconds.

    Attributes:
        task_id: Its name.
        definition: What runs.
        state: As clients know it.
        wanted: Whether it runs or will: whoever takes over must start it.
        created_at: When it was first started.
        last_started_at: None: never.
        last_exited_at: None: never.
        last_exit_code: None: never exited.
        restart_count: How often it was started again by itself.
        pid: Of its newest process, 0 none yet.
        birth: By what that process is known, however its pid is used again; "" none yet.
        past: What counts against it.
        error_message: Why it is not as it should be, "" where it is.
        standing: It runs because the settings say so.

    """

    task_id: str
    definition: Definition
    state: TaskState = TaskState.ACTIVE
    wanted: bool = True
    created_at: float
    last_started_at: float | None = None
    last_exited_at: float | None = None
    last_exit_code: int | None = None
    restart_count: int = 0
    pid: int = 0
    birth: str = ""
    past: Past = field(default_factory=Past)
    error_message: str = ""
    standing: bool = False

    @property
    def last_change_at(self) -> float:
        """When it last started or exited; 0 never."""
        return max(self.last_started_at or 0.0, self.last_exited_at or 0.0)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a process of its definition, and tell of it with `started` or `not_started`."""


@dataclass(frozen=True, slots=True)
class End:
    """End its process and all that came of it."""

    pid: int


@dataclass(frozen=True, slots=True)
class WakeAfter:
    """Call `woken` after so many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Say:
    """Tell of this event; `kind` and fields as clients know them."""

    kind: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """Write the record to disk."""


Command = Spawn | End | WakeAfter | Say | Keep

NO_TASK = "task not found"
RUNS_ALREADY = "task already has a running worker"
NOT_ERRORED = "task is not in errored state"


class Task:
    """One task. Whoever calls does what it returns, in order."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.phase = Phase.NOTHING
        self._ends = False
        """Whether its process was asked to end."""
        self._is_clear = True
        """Whether nothing of an earlier process is left."""
        self._is_due = False
        self._restart_of = 0
        """The process that the one to come replaces, 0 none."""
        self._before: Record | None = None
        """What stood before somebody asked for a start that is under way; None where it starts by itself."""

    @property
    def running_pid(self) -> int | None:
        """Its process, None where none runs."""
        return self.record.pid if self.phase is Phase.RUNNING else None

    def start(self, definition: Definition) -> Sequence[Command] | str:
        """Start it, or return why not. Who waits to be started again is started now, as it is said now."""
        if self.phase in {Phase.STARTING, Phase.RUNNING}:
            return RUNS_ALREADY
        before = replace(self.record)
        self.record.definition = definition
        return self._anew(before)

    def reset(self) -> Sequence[Command] | str:
        """Start it though it was given up, or return why not."""
        if self.record.state is not TaskState.ERRORED:
            return NOT_ERRORED
        return self._anew(replace(self.record))

    def take_over(self) -> Sequence[Command]:
        """Start it where it ran, or was to, when whoever was before us ended."""
        return self._begin(restart_of=self.record.pid) if self.record.wanted else ()

    def begin(self, definition: Definition) -> Sequence[Command]:
        """Start it because it always runs while we do, whatever became of it before."""
        self.record.definition, self.record.past = definition, Past()
        return self._begin(restart_of=self.record.pid)

    def stop(self) -> Sequence[Command]:
        """Stop it. To stop what stands still, or a second time, does no harm."""
        record = self.record
        record.state, record.wanted = TaskState.STOPPED, False
        if self.phase is Phase.WAITING:
            self.phase = Phase.NOTHING
        if self.phase is not Phase.RUNNING or self._ends:
            return (Keep(),)
        self._ends = True
        return (Keep(), End(record.pid))

    def started(self, pid: int, birth: str, *, now: float) -> Sequence[Command]:
        """Take that its process runs."""
        record = self.record
        self.phase, self._is_clear, self._ends = Phase.RUNNING, False, False
        record.pid, record.birth, record.last_started_at, record.error_message = pid, birth, now, ""
        if self._before is None and self._restart_of:
            record.restart_count += 1
        self._before = None
        fields = {"restart_of": self._restart_of or None, "ts": rfc3339(now)}
        told = Say("started", {"task_id": record.task_id, "pid": pid, **fields})
        if record.state is TaskState.ACTIVE:
            return (Keep(), told)
        self._ends = True  # stopped meanwhile
        return (Keep(), told, End(pid))

    def not_started(self, reason: str, *, now: float, jitter: float) -> Sequence[Command]:
        """Take that there is no process, and why. Where somebody asked for it, all is as it was before."""
        self.phase = Phase.NOTHING
        if self._before is not None:
            return self._as_before(self._before)
        record = self.record
        record.error_message = reason
        if record.state is not TaskState.ACTIVE:
            return (Keep(),)
        return self._after(exit_code=None, ran_s=0.0, now=now, jitter=jitter)

    def exited(self, code: int, *, now: float, jitter: float) -> Sequence[Command]:
        """Take that its process has ended; negative is the number of the signal that ended it."""
        record = self.record
        if record.state is TaskState.STOPPED:
            return self.ended(code, now=now)
        told = self._ended(code, now=now, intentional=False)
        ran_s = max(0.0, now - (record.last_started_at or now))
        return (told, *self._after(exit_code=record.last_exit_code, ran_s=ran_s, now=now, jitter=jitter))

    def ended(self, code: int, *, now: float) -> Sequence[Command]:
        """Take that its process has ended as it was to: it was stopped, or we end."""
        return (self._ended(code, now=now, intentional=True), Keep())

    def cleared(self) -> Sequence[Command]:
        """Take that nothing of its last process is left."""
        self._is_clear = True
        return self._spawn_if_ready()

    def woken(self) -> Sequence[Command]:
        """Take that the time has come to start it again."""
        if self.phase is not Phase.WAITING:
            return ()
        self._is_due = True
        return self._spawn_if_ready()

    def info(self) -> dict[str, Any]:
        """Return it as a list tells it."""
        record = self.record
        policy = record.definition.retry_policy
        facts = {
            "retry_policy": policy,
            "current_pid": record.pid or None,
            "worker_state": ("running" if self.phase is Phase.RUNNING else "exited") if record.pid else None,
            "restart_count": record.restart_count,
            "created_at": rfc3339(record.created_at),
            "last_started_at": _told(record.last_started_at),
            "last_exited_at": _told(record.last_exited_at),
            "last_exit_code": record.last_exit_code,
            "error_message": record.error_message or None,
        }
        return {
            "task_id": record.task_id,
            "command": record.definition.command,
            "args": record.definition.args,
            "state": record.state.value,
            **{name: fact for name, fact in facts.items() if fact is not None},
        }

    def _as_before(self, before: Record) -> Sequence[Command]:
        is_stopped = self.record.state is TaskState.STOPPED
        self.record, self._before = before, None
        if is_stopped:
            return self.stop()
        # Who waited to be started again is started now.
        return self._begin(restart_of=before.pid) if before.wanted else ()

    def _ended(self, code: int, *, now: float, intentional: bool) -> Say:
        record = self.record
        self.phase = Phase.NOTHING
        record.last_exited_at, record.last_exit_code = now, max(code, SIGNALLED)
        return Say(
            "exited",
            {
                "task_id": record.task_id,
                "pid": record.pid,
                "exit_code": record.last_exit_code,
                "signal": _signal_name(-code) if code < 0 else None,
                "intentional": intentional,
                "ts": rfc3339(now),
            },
        )

    def _anew(self, before: Record) -> Sequence[Command]:
        self.record.past, self.record.error_message = Past(), ""
        return self._begin(restart_of=0, before=before)

    def _begin(self, *, restart_of: int, before: Record | None = None) -> Sequence[Command]:
        self.record.state, self.record.wanted = TaskState.ACTIVE, True
        self._restart_of, self._is_due, self.phase = restart_of, True, Phase.WAITING
        self._before = before
        return self._spawn_if_ready()

    def _spawn_if_ready(self) -> Sequence[Command]:
        if self.phase is not Phase.WAITING or not self._is_due or not self._is_clear:
            return ()
        self.phase = Phase.STARTING
        return (Spawn(),)

    def _after(self, *, exit_code: int | None, ran_s: float, now: float, jitter: float) -> Sequence[Command]:
        """Say and do what follows from an end that nobody asked for."""
        record = self.record
        verdict, record.past = judged(
            record.definition.retry_policy,
            record.past,
            exit_code=exit_code,
            ran_s=ran_s,
            now=now,
            jitter=jitter,
        )
        facts = {"task_id": record.task_id, "pid": record.pid, "ts": rfc3339(now)}
        if isinstance(verdict, Again):
            self.phase, self._is_due, self._restart_of = Phase.WAITING, False, record.pid
            delay = format_duration(round(verdict.delay_s * 1_000_000) * 1_000)
            more = {"restart_delay": delay, "attempt": record.restart_count + 1}
            return (Keep(), Say("restarting", {**facts, **more}), WakeAfter(verdict.delay_s))
        record.wanted = False
        if isinstance(verdict, Done) and exit_code is not None:
            return (Keep(),)
        exit_count = verdict.exit_count if isinstance(verdict, GivenUp) else 1
        record.state = TaskState.ERRORED
        record.error_message = record.error_message or f"it ended {exit_count} times"
        return (Keep(), Say("errored", {**facts, "exit_count": exit_count}))


def _told(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIGRT{number}"
