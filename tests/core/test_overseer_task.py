"""One task from its start to its end: what happens to it, and what is to be done then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccmux.core.overseer.retry import Past, RetryPolicy
from ccmux.core.overseer.task import (
    NOT_ERRORED,
    RUNS_ALREADY,
    Command,
    Definition,
    End,
    Keep,
    Phase,
    Record,
    Say,
    Spawn,
    Task,
    TaskState,
    WakeAfter,
)

SLEEP = Definition(command="sleep", args=("9",))
RETRIED = Definition(
    command="sleep", args=("9",), retry_policy=RetryPolicy(restart_delay="5s", error_threshold=2)
)

Step = Callable[[Task], Sequence[Command] | str]


def record(**more: Any) -> Record:
    return Record(**{"task_id": "t", "definition": SLEEP, "created_at": 1.0, **more})


def words(commands: Sequence[Command] | str) -> list[str]:
    """Return what is to be done, a word each."""
    if isinstance(commands, str):
        return [commands]
    said = []
    for command in commands:
        match command:
            case Say(kind, fields):
                facts = {name: value for name, value in fields.items() if name not in {"task_id", "ts"}}
                said.append(
                    kind + "".join(f" {name}={fact}" for name, fact in facts.items() if fact is not None)
                )
            case End(pid):
                said.append(f"end {pid}")
            case WakeAfter(delay_s):
                said.append(f"wake {delay_s:g}")
            case Spawn() | Keep():
                said.append(type(command).__name__.lower())
    return said


def start(definition: Definition = SLEEP) -> Step:
    return lambda task: task.start(definition)


def started(pid: int, now: float = 10.0) -> Step:
    return lambda task: task.started(pid, f"born {pid}", now=now)


def exited(code: int, now: float = 20.0) -> Step:
    return lambda task: task.exited(code, now=now, jitter=0.0)


def not_started(task: Task) -> Sequence[Command]:
    return task.not_started("no such program", now=20.0, jitter=0.0)


CRASHED: list[tuple[Step, list[str]]] = [
    (start(RETRIED), ["spawn"]),
    (started(7), ["keep", "started pid=7"]),
    (
        exited(1),
        [
            "exited pid=7 exit_code=1 intentional=False",
            "keep",
            "restarting pid=7 restart_delay=5s attempt=1",
            "wake 5",
        ],
    ),
]
"""It ran, ended, and waits to be started again."""

STORIES: dict[str, list[tuple[Step, list[str]]]] = {
    "it runs and is done": [
        (start(), ["spawn"]),
        (started(7), ["keep", "started pid=7"]),
        (exited(0), ["exited pid=7 exit_code=0 intentional=False", "keep"]),
        (Task.cleared, []),
        (start(), ["spawn"]),
    ],
    "a signal is told by its name": [
        (start(), ["spawn"]),
        (started(7), ["keep", "started pid=7"]),
        (exited(-9), ["exited pid=7 exit_code=-1 signal=SIGKILL intentional=False", "keep"]),
    ],
    "a signal without a name": [
        (start(), ["spawn"]),
        (started(7), ["keep", "started pid=7"]),
        (exited(-40), ["exited pid=7 exit_code=-1 signal=SIGRT40 intentional=False", "keep"]),
    ],
    "no second one beside it": [
        (start(), ["spawn"]),
        (start(), [RUNS_ALREADY]),
        (started(7), ["keep", "started pid=7"]),
        (start(), [RUNS_ALREADY]),
    ],
    "it is stopped, twice": [
        (start(), ["spawn"]),
        (started(7), ["keep", "started pid=7"]),
        (Task.stop, ["keep", "end 7"]),
        (Task.stop, ["keep"]),
        (exited(-15), ["exited pid=7 exit_code=-1 signal=SIGTERM intentional=True", "keep"]),
        (Task.cleared, []),
        (Task.stop, ["keep"]),
    ],
    "stopped before it runs": [
        (start(), ["spawn"]),
        (Task.stop, ["keep"]),
        (started(7), ["keep", "started pid=7", "end 7"]),
        (exited(-15), ["exited pid=7 exit_code=-1 signal=SIGTERM intentional=True", "keep"]),
    ],
    "it runs again after its delay, until it ended too often": [
        *CRASHED,
        (Task.cleared, []),
        (Task.woken, ["spawn"]),
        (started(8), ["keep", "started pid=8 restart_of=7"]),
        (exited(0), ["exited pid=8 exit_code=0 intentional=False", "keep", "errored pid=8 exit_count=2"]),
        (Task.cleared, []),
        (Task.reset, ["spawn"]),
        (started(9), ["keep", "started pid=9"]),
        (Task.reset, [NOT_ERRORED]),
    ],
    "what is left of it goes before it runs again": [
        *CRASHED,
        (Task.woken, []),
        (Task.cleared, ["spawn"]),
    ],
    "stopped while it waits": [
        *CRASHED,
        (Task.stop, ["keep"]),
        (Task.woken, []),
        (Task.cleared, []),
    ],
    "started while it waits: one of it, now": [
        *CRASHED,
        (Task.cleared, []),
        (start(RETRIED), ["spawn"]),
        (Task.woken, []),
        (started(8), ["keep", "started pid=8"]),
        (Task.woken, []),
    ],
    "the program is gone when it is to run again": [
        *CRASHED,
        (Task.cleared, []),
        (Task.woken, ["spawn"]),
        (not_started, ["keep", "errored pid=7 exit_count=2"]),
    ],
    "stopped while a program that is gone is to run again": [
        *CRASHED,
        (Task.cleared, []),
        (Task.woken, ["spawn"]),
        (Task.stop, ["keep"]),
        (not_started, ["keep"]),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_story(story: list[tuple[Step, list[str]]]) -> None:
    task = Task(record())
    for number, (step, expected) in enumerate(story):
        assert words(step(task)) == expected, f"step {number}"


def test_a_start_that_fails_leaves_all_as_it_was() -> None:
    task = Task(
        record(state=TaskState.ERRORED, wanted=False, error_message="it ended 3 times", past=Past(in_a_row=3))
    )
    before = record(
        state=TaskState.ERRORED, wanted=False, error_message="it ended 3 times", past=Past(in_a_row=3)
    )
    for ask in (start(RETRIED), Task.reset):
        assert words(ask(task)) == ["spawn"]
        assert task.record.state is TaskState.ACTIVE
        assert words(not_started(task)) == []
        assert task.record == before
        assert task.phase is Phase.NOTHING


def test_a_start_that_fails_takes_no_restart_away() -> None:
    task = Task(record())
    task.start(RETRIED)
    task.started(7, "b", now=10.0)
    task.exited(1, now=20.0, jitter=0.0)
    task.cleared()
    assert words(task.start(SLEEP)) == ["spawn"]
    assert words(not_started(task)) == ["spawn"]
    assert task.record.definition == RETRIED
    assert words(started(8)(task)) == ["keep", "started pid=8 restart_of=7"]


def test_a_stop_of_a_start_that_fails_is_a_stop() -> None:
    task = Task(record())
    task.start(RETRIED)
    task.stop()
    assert words(not_started(task)) == ["keep"]
    assert (task.record.state, task.record.definition) == (TaskState.STOPPED, SLEEP)
    assert task.phase is Phase.NOTHING


def test_who_takes_over_starts_what_ran() -> None:
    task = Task(record(pid=7, last_started_at=3.0))
    assert words(task.take_over()) == ["spawn"]
    assert words(started(8)(task)) == ["keep", "started pid=8 restart_of=7"]
    assert task.record.restart_count == 1


@pytest.mark.parametrize("state", TaskState)
def test_who_takes_over_leaves_alone_what_is_done(state: TaskState) -> None:
    assert words(Task(record(state=state, wanted=False, pid=7)).take_over()) == []


def test_what_cannot_be_taken_over_is_no_ghost() -> None:
    task = Task(record(pid=7))
    task.take_over()
    assert words(not_started(task)) == ["keep", "errored pid=7 exit_count=1"]
    assert task.info()["error_message"] == "no such program"


def test_what_always_runs_begins_whatever_became_of_it() -> None:
    task = Task(record(state=TaskState.ERRORED, wanted=False, pid=7, past=Past(exits=(1.0, 2.0))))
    assert words(task.begin(RETRIED)) == ["spawn"]
    assert words(started(8)(task)) == ["keep", "started pid=8 restart_of=7"]
    assert task.record.past == Past()


def test_it_knows_the_process_that_runs() -> None:
    task = Task(record())
    assert task.running_pid is None
    task.start(SLEEP)
    task.started(7, "born", now=10.0)
    pid = task.running_pid
    assert pid == 7


def test_it_changed_last_when_it_started_or_exited() -> None:
    assert record().last_change_at == 0.0
    assert record(last_started_at=5.0).last_change_at == 5.0
    assert record(last_started_at=5.0, last_exited_at=7.0).last_change_at == 7.0


def test_a_list_tells_it_all() -> None:
    task = Task(record(definition=RETRIED))
    first = {
        "task_id": "t",
        "command": "sleep",
        "args": ("9",),
        "state": "active",
        "restart_count": 0,
        "retry_policy": RETRIED.retry_policy,
        "created_at": "1970-01-01T00:00:01.000000Z",
    }
    assert task.info() == first
    task.start(RETRIED)
    task.started(7, "born", now=10.0)
    running = {"current_pid": 7, "worker_state": "running", "last_started_at": "1970-01-01T00:00:10.000000Z"}
    assert task.info() == {**first, **running}
    task.exited(3, now=20.0, jitter=0.0)
    ended = {"last_exited_at": "1970-01-01T00:00:20.000000Z", "last_exit_code": 3, "worker_state": "exited"}
    assert task.info() == {**first, **running, **ended}
    task.exited(3, now=20.0, jitter=0.0)
    assert task.info()["error_message"] == "it ended 2 times"


class AnyOrder(RuleBasedStateMachine):
    """Whatever is asked and happens in whatever order: never two of it, and a stop is a stop."""

    def __init__(self) -> None:
        super().__init__()
        self.task = Task(record())
        self.spawning, self.alive, self.left, self.next_pid = False, 0, False, 1
        self.timers = 0

    def do(self, commands: Sequence[Command] | str) -> None:
        for command in () if isinstance(commands, str) else commands:
            match command:
                case Spawn():
                    assert (self.spawning, self.alive, self.left) == (False, 0, False)
                    self.spawning = True
                case End(pid):
                    assert pid == self.alive
                case WakeAfter():
                    self.timers += 1

    @rule(definition=st.sampled_from([SLEEP, RETRIED]))
    def start(self, definition: Definition) -> None:
        self.do(self.task.start(definition))

    @rule()
    def stop(self) -> None:
        self.do(self.task.stop())
        assert self.task.record.state is TaskState.STOPPED

    @rule()
    def reset(self) -> None:
        self.do(self.task.reset())

    @precondition(lambda self: self.spawning)
    @rule(works=st.booleans())
    def spawned(self, works: bool) -> None:
        self.spawning = False
        if works:
            self.alive, self.left, self.next_pid = self.next_pid, True, self.next_pid + 1
            self.do(self.task.started(self.alive, "b", now=1.0))
        else:
            self.do(self.task.not_started("no", now=1.0, jitter=0.0))

    @precondition(lambda self: self.alive)
    @rule(code=st.integers(-15, 3))
    def exited(self, code: int) -> None:
        self.alive = 0
        self.do(self.task.exited(code, now=2.0, jitter=0.0))

    @precondition(lambda self: self.left and not self.alive)
    @rule()
    def cleared(self) -> None:
        self.left = False
        self.do(self.task.cleared())

    @precondition(lambda self: self.timers)
    @rule()
    def woken(self) -> None:
        self.timers -= 1
        self.do(self.task.woken())

    @invariant()
    def it_knows_how_it_is(self) -> None:
        assert (self.task.running_pid or 0) == self.alive
        assert self.spawning == (self.task.phase is Phase.STARTING)
        if self.task.record.state is not TaskState.ACTIVE:
            assert not self.task.record.wanted


TestAnyOrder = AnyOrder.TestCase
