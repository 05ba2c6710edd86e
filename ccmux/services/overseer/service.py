"""Runs the tasks: does what each of them says is to be done, and tells it to whoever hears of it.

It owns all tasks and their processes. Nothing here waits for a client or for the disk, but the answer to a
start: that is given once the task is kept.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn

import structlog

from ccmux.core.errors import ChildNotStarted, StoreFailed
from ccmux.core.overseer.counts import Counts
from ccmux.core.overseer.events import said
from ccmux.core.overseer.protocol import (
    List,
    Replay,
    Request,
    Reset,
    Start,
    Stop,
    Subscribe,
    error,
)
from ccmux.core.overseer.standing import Standing
from ccmux.core.overseer.task import (
    NO_TASK,
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
from ccmux.ports import Children, Clock, EventLog, RunningChild, TaskStore
from ccmux.services.overseer.audience import Audience
from ccmux.services.overseer.pacing import Pacing
from ccmux.services.overseer.supervised import Asker, Supervised
from ccmux.websocket import Peer, text_frame, text_heads

MOST_TASKS = 10_000
"""Those that ended longest ago make room for new ones."""

END_S = 6.0
"""How long all processes may take to end with us: who does not hear SIGTERM is killed after 5 s."""

KEEP_EVERY_S = 0.05
"""What changes within so long is one transaction: a crash loop changes a task a thousand times a second."""

KEEP_AGAIN_S = 1.0
"""How long after a failure it is tried again to keep what changed."""

NEVER_RAN = "no worker for task"
NO_COMMAND = "command is required"
ENDING = "the overseer ends"
STOPPED = "the task was stopped before it could start"
TOO_MANY = f"there are {MOST_TASKS} tasks that run or will run; stop some"

_LOGGED = frozenset({"started", "exited"})
"""What the event log has beside output."""

log = structlog.get_logger()


class Overseer:
    """All tasks of one overseer."""

    name = "overseer"

    def __init__(
        self,
        *,
        children: Children,
        store: TaskStore,
        clock: Clock,
        event_log: EventLog | None = None,
        standing: Mapping[str, Standing] | None = None,
        pinned: str = "",
        end_s: float = END_S,
    ) -> None:
        """Wire it up.

        Args:
            children: Where processes come from.
            store: Where tasks are kept.
            clock: The time that people read.
            event_log: Where starts, ends and output are written, None nowhere.
            standing: Tasks that run whenever we do, by name.
            pinned: The only command that clients may start, "" any.
            end_s: How long processes may take to end with us.

        """
        self.in_place = asyncio.Event()
        """Set once all that ran before was started again."""
        self._children = children
        self._store = store
        self._clock = clock
        self._event_log = event_log
        self._standing = standing or {}
        self._pinned = pinned
        self._end_s = end_s
        self._pacing = Pacing()
        self.audience = Audience(self._pacing.let_all_go)
        self._counts = Counts()
        self._tasks: dict[str, Supervised] = {}
        self._changed: set[str] = set()
        self._has_changed = asyncio.Event()
        self._hurried = asyncio.Event()
        self._waiting_for_disk: list[asyncio.Future[None]] = []
        self._is_ending = False
        self._group = asyncio.TaskGroup()

    async def run(self) -> NoReturn:
        """Run tasks until cancelled; then end their processes."""
        try:
            async with self._group:
                await self._take_over()
                self.in_place.set()
                await self._keep_up()
        finally:
            await self._end()
        raise AssertionError("what changes is kept until we are cancelled")

    def ask(self, peer: Peer, request: Request) -> None:
        """Do what a client asks, and answer it."""
        asker = Asker(peer, request.id)
        if self._is_ending:
            self._refuse(asker, ENDING)
            return
        match request:
            case Start():
                self._start(asker, request)
            case List(since=since):
                self._list(asker, since)
            case Subscribe(task_id=task_id, on=on):
                self.audience.choose(peer, task_id, on=on)
                word = "subscribed" if on else "unsubscribed"
                self.audience.answer(peer, said(word, task_id=task_id or None, id=request.id))
            case Stop() | Reset() | Replay():
                supervised = self._tasks.get(request.task_id)
                if supervised is None:
                    self._refuse(asker, NO_TASK)
                else:
                    self._ask_of(supervised, asker, request)

    def told(self) -> str:
        """Return figures for Prometheus."""
        return self._counts.told(
            tasks=Counter(supervised.task.record.state for supervised in self._tasks.values()),
            running=sum(one.task.phase is Phase.RUNNING for one in self._tasks.values()),
            clients=len(self.audience),
            clients_cut_off=self.audience.cut_off,
        )

    # what is asked

    def _ask_of(self, supervised: Supervised, asker: Asker, request: Stop | Reset | Replay) -> None:
        match request:
            case Stop():
                self._stop(supervised, asker)
            case Reset():
                self._begin(supervised, asker, supervised.task.reset())
            case Replay(since=since):
                if supervised.has_run:
                    self.audience.answer(asker.peer, *supervised.ring.since(since))
                else:
                    self._refuse(asker, NEVER_RAN)

    def _stop(self, supervised: Supervised, asker: Asker) -> None:
        supervised.wake_no_more()
        if supervised.task.phase in {Phase.STARTING, Phase.RUNNING}:
            supervised.stop_asked[asker.peer] = asker
        elif supervised.start_asked is not None:  # it waits for the end of what was left of it
            waiting, supervised.start_asked = supervised.start_asked, None
            self._refuse(waiting, STOPPED)
        self._do(supervised, supervised.task.stop())

    def _start(self, asker: Asker, wish: Start) -> None:
        if self._pinned and wish.command not in ("", self._pinned):
            self._refuse(asker, f'command must be "{self._pinned}" (pinned)')
            return
        command = wish.command or self._pinned
        if not command:
            self._refuse(asker, NO_COMMAND)
            return
        definition = Definition(command=command, args=wish.args, retry_policy=wish.retry_policy)
        task_id = wish.task_id or str(uuid.uuid4())
        supervised = self._tasks.get(task_id)
        if supervised is None:
            if not self._make_room():
                self._refuse(asker, TOO_MANY)
                return
            created_at = self._now()
            record = Record(task_id=task_id, definition=definition, wanted=False, created_at=created_at)
            supervised = self._tasks[task_id] = Supervised(task=Task(record))
        self._begin(supervised, asker, supervised.task.start(definition))

    def _begin(self, supervised: Supervised, asker: Asker, commands: Sequence[Command] | str) -> None:
        if isinstance(commands, str):
            self._refuse(asker, commands)
        else:
            self.audience.follow(asker.peer, supervised.task.record.task_id)
            supervised.start_asked = asker
            self._do(supervised, commands)

    def _list(self, asker: Asker, since: float | None) -> None:
        tasks = [
            supervised.task.info()
            for supervised in self._tasks.values()
            if supervised.is_known and (since is None or supervised.task.record.last_change_at >= since)
        ]
        self.audience.answer(asker.peer, said("tasks", tasks=tasks, id=asker.id))

    def _refuse(self, asker: Asker, message: str) -> None:
        self.audience.answer(asker.peer, error(asker.id, message))

    def _make_room(self) -> bool:
        """Forget the task that ended longest ago where there are too many; return whether there is room."""
        if len(self._tasks) < MOST_TASKS:
            return True
        over = [
            one.task.record
            for one in self._tasks.values()
            if one.task.phase is Phase.NOTHING and not one.task.record.wanted
        ]
        if not over:
            return False
        self._drop(min(over, key=lambda record: record.last_change_at).task_id)
        return True

    # what is to be done

    def _do(self, supervised: Supervised, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Spawn():
                    supervised.wake_no_more()
                    name = f"start {supervised.task.record.task_id}"
                    self._group.create_task(self._spawn(supervised), name=name)
                case End(pid):
                    self._children.end(pid)
                case WakeAfter(delay_s):
                    supervised.wake_no_more()
                    wake = partial(self._wake, supervised)
                    supervised.timer = asyncio.get_running_loop().call_later(delay_s, wake)
                case Say():
                    self._say(supervised, command)
                case Keep():
                    self._changed.add(supervised.task.record.task_id)
                    self._has_changed.set()
                    # Nobody must start again what was stopped or given up, however soon we are killed.
                    if supervised.task.record.state is not TaskState.ACTIVE:
                        self._hurried.set()

    async def _spawn(self, supervised: Supervised) -> None:
        task, asker = supervised.task, supervised.start_asked
        definition = task.record.definition
        try:
            child = await self._children.start((definition.command, *definition.args), supervised.environment)
        except ChildNotStarted as failure:
            self._not_started(supervised, str(failure))
            return
        commands = task.started(child.pid, child.birth, now=self._now())
        if asker is not None:
            await self._keep_now(task.record.task_id)
        supervised.has_run = True
        supervised.begin_output()
        self._do(supervised, commands)
        supervised.start_asked = None
        # Only now: it is told of as started before anything it says.
        child.listen(
            partial(self._heard, supervised, child),
            partial(self._exited, supervised),
            partial(self._cleared, supervised),
        )

    def _not_started(self, supervised: Supervised, reason: str) -> None:
        asker, supervised.start_asked = supervised.start_asked, None
        record = supervised.task.record
        log.warning("task not started", task_id=record.task_id, reason=reason)
        task = supervised.task
        self._do(supervised, task.not_started(reason, now=self._now(), jitter=_chance()))
        if asker is not None:
            if supervised.task.record.last_started_at is None and not record.standing:
                self._drop(record.task_id)
            self._refuse(asker, reason)

    def _heard(self, supervised: Supervised, child: RunningChild, stream: str, chunk: bytes) -> None:
        output = supervised.output(stream, chunk, now=self._now())
        if output is None:
            return
        self._counts.output_lines += len(output.lines)
        self._counts.output_bytes += len(chunk)
        task_id = supervised.task.record.task_id
        if self.audience:
            frames = output.joined(text_heads)
            self.audience.tell(task_id, frames)
            if self.audience.lags(task_id):
                self._pacing.hold(child, len(frames))
        if self._event_log is not None:
            self._event_log.write(output.logged())

    def _exited(self, supervised: Supervised, code: int) -> None:
        now = self._now()
        if self._is_ending:
            self._do(supervised, supervised.task.ended(code, now=now))
        else:
            self._do(supervised, supervised.task.exited(code, now=now, jitter=_chance()))

    def _cleared(self, supervised: Supervised) -> None:
        self._do(supervised, supervised.task.cleared())

    def _wake(self, supervised: Supervised) -> None:
        supervised.timer = None
        self._do(supervised, supervised.task.woken())

    def _say(self, supervised: Supervised, say: Say) -> None:
        """Tell all who hear of it; who asked for it is told by its id."""
        task_id = supervised.task.record.task_id
        text = said(say.kind, **say.fields)
        askers: Mapping[Peer, Asker] = {}
        is_asked = False
        match say.kind:
            case "started":
                self._counts.started += 1
                self._counts.restarted += say.fields["restart_of"] is not None
                if (asker := supervised.start_asked) is not None:
                    askers, is_asked = {asker.peer: asker}, True
            case "exited":
                self._counts.exited += 1
                supervised.ring.add([text], now=self._now())
                askers, supervised.stop_asked = supervised.stop_asked, {}
            case "errored":
                self._counts.errored += 1
                log.warning("task given up", task_id=task_id, exit_count=say.fields["exit_count"])
        for peer, asker in askers.items():
            self.audience.answer(peer, said(say.kind, **say.fields, id=asker.id))
        self.audience.tell(task_id, text_frame(text), but=askers, chosen=is_asked)
        if self._event_log is not None and say.kind in _LOGGED:
            self._event_log.write(text + b"\n")

    # what is kept

    async def _take_over(self) -> None:
        """Start what ran when whoever was before us ended, and what always runs."""
        await self._children.begin()
        for record in await self._store.load():
            if record.standing and record.task_id not in self._standing:
                await self._forget([record.task_id])
                continue
            if record.wanted and record.pid and await self._children.end_stray(record.pid, record.birth):
                log.warning("task ended that nobody watched", task_id=record.task_id, pid=record.pid)
            self._tasks[record.task_id] = Supervised(task=Task(record))
        for name, standing in self._standing.items():
            supervised = self._tasks.pop(name, None)
            if supervised is None:
                record = Record(task_id=name, definition=standing.definition, created_at=self._now())
                supervised = Supervised(task=Task(record))
            supervised.task.record.standing = True
            supervised.environment = standing.environment
            self._tasks[name] = supervised
        for task_id, supervised in self._tasks.items():
            always, task = self._standing.get(task_id), supervised.task
            self._do(supervised, task.take_over() if always is None else task.begin(always.definition))

    async def _keep_up(self) -> NoReturn:
        """Write down what changed; many changes are one transaction."""
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            self._hurried.clear()
            waiting, self._waiting_for_disk = self._waiting_for_disk, []
            pause_s = KEEP_EVERY_S
            try:
                await self._keep_changed()
            except StoreFailed as failure:
                log.warning("tasks not kept yet", reason=str(failure))
                pause_s = KEEP_AGAIN_S
                self._has_changed.set()
            for future in waiting:
                if not future.done():
                    future.set_result(None)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurried.wait()

    async def _keep_now(self, task_id: str) -> None:
        """Return once a task is kept, or cannot be now: it runs, and is kept as soon as that can be."""
        self._changed.add(task_id)
        kept = asyncio.get_running_loop().create_future()
        self._waiting_for_disk.append(kept)
        self._has_changed.set()
        self._hurried.set()
        await kept

    async def _keep_changed(self) -> None:
        changed, self._changed = self._changed, set()
        try:
            await self._store.save([self._tasks[one].task.record for one in changed if one in self._tasks])
        except BaseException:
            self._changed |= changed
            raise

    def _now(self) -> float:
        """Return the time as clients are told it: to the microsecond, so that they can ask since then."""
        return round(self._clock.now(), 6)

    def _drop(self, task_id: str) -> None:
        del self._tasks[task_id]
        self._group.create_task(self._forget([task_id]), name=f"forget {task_id}")

    async def _forget(self, task_ids: Sequence[str]) -> None:
        try:
            await self._store.forget(task_ids)
        except StoreFailed as failure:
            log.warning("tasks not forgotten", reason=str(failure))  # they come back, as what they were

    async def _end(self) -> None:
        """End all processes, and keep that they ran: whoever is next starts them again."""
        self._is_ending = True
        for supervised in self._tasks.values():
            supervised.wake_no_more()
        await self._children.close(within_s=self._end_s)
        try:
            await self._keep_changed()
        except StoreFailed as failure:
            log.warning("tasks not kept", reason=str(failure))


def _chance() -> float:
    return random.random()  # noqa: S311 - it spreads starts, and keeps no secret
