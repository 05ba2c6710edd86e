"""The overseer on virtual time: hours of crash loops at once, a disk that fails, listeners that lag."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import ChildNotStarted, OverseerRefused, StoreFailed
from ccmux.core.overseer.standing import Standing
from ccmux.core.overseer.task import Definition, Record, TaskState
from ccmux.services.overseer import Overseer, OverseerRoom
from ccmux.services.overseer import service as module
from ccmux.services.overseer.audience import BACKLOG_BYTES, BEHIND_BYTES
from ccmux.services.overseer.pacing import SLOWEST_BYTES_A_S
from ccmux.websocket import Handshake, Refusal
from tests.services.fakes import FakeClock
from tests.virtual_time import run


class FakeChild:
    def __init__(self, pid: int, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self.pid, self.birth = pid, f"born {pid}"
        self.argv, self.environment = tuple(argv), dict(environment)
        self.waits = False

    def listen(
        self,
        on_output: Callable[[str, bytes], None],
        on_exit: Callable[[int], None],
        on_clear: Callable[[], None],
    ) -> None:
        self.says, self.exits, self.clears = on_output, on_exit, on_clear

    def ends(self, code: int = 1) -> None:
        self.exits(code)
        self.clears()

    def wait(self) -> None:
        self.waits = True

    def read_on(self) -> None:
        self.waits = False


@dataclass
class FakeChildren:
    """The port Children: every program is there but those in `missing`."""

    missing: set[str] = field(default_factory=set)
    held: str = ""
    started: list[FakeChild] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    is_closed: bool = False
    begun_after_s: float = 0.0

    async def begin(self) -> None:
        if self.held:
            raise OverseerRefused(self.held, "stop it")
        await asyncio.sleep(self.begun_after_s)

    async def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> FakeChild:
        await asyncio.sleep(0)
        if argv[0] in self.missing:
            raise ChildNotStarted(argv[0], "No such file")
        child = FakeChild(100 + len(self.started), argv, environment)
        self.started.append(child)
        return child

    def end(self, pid: int) -> None:
        self.ended.append(pid)

    async def end_stray(self, pid: int, birth: str) -> bool:
        self.strays.append(pid)
        return birth == "stray"

    async def close(self, *, within_s: float) -> None:
        self.is_closed = True


@dataclass
class FakeStore:
    """The port TaskStore: remembers, and fails while `fails`."""

    records: dict[str, Record] = field(default_factory=dict)
    saves: int = 0
    fails: bool = False

    async def load(self) -> list[Record]:
        return [replace(record) for record in self.records.values()]

    async def save(self, records: Sequence[Record]) -> None:
        taken = [replace(record) for record in records]
        await asyncio.sleep(0.001)
        if self.fails:
            raise StoreFailed("/db", "disk is full", "free some space", passes=True)
        self.saves += 1
        self.records |= {record.task_id: record for record in taken}

    async def forget(self, task_ids: Sequence[str]) -> None:
        if self.fails:
            raise StoreFailed("/db", "disk is full", "free some space", passes=True)
        for task_id in task_ids:
            self.records.pop(task_id, None)


class FakePeer:
    """A client: takes frames apart, and does not read while `stuck`."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.stuck = stuck
        self.behind_bytes = 0
        self.got: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def send(self, frames: bytes) -> None:
        if self.stuck:
            self.behind_bytes += len(frames)
        while frames:
            size, at = frames[1], 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, at = int.from_bytes(frames[2 : 2 + width], "big"), 2 + width
            self.got.append(json.loads(frames[at : at + size]))
            frames = frames[at + size :]

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.got]


@dataclass
class World:
    overseer: Overseer
    children: FakeChildren
    store: FakeStore
    room: OverseerRoom
    logged: list[dict[str, Any]]

    def join(self, **more: Any) -> Any:
        peer: Any = FakePeer(**more)
        self.room.joined(peer, Handshake(path="/ws"))
        return peer

    def ask(self, peer: Any, kind: str, **fields: Any) -> None:
        self.room.heard(peer, json.dumps({"type": kind, **fields}).encode())

    @property
    def last(self) -> FakeChild:
        return self.children.started[-1]


class Log(list[dict[str, Any]]):
    def write(self, lines: bytes) -> None:
        self.extend(map(json.loads, lines.splitlines()))


def on(
    story: Callable[[World], Awaitable[None]],
    *,
    children: FakeChildren | None = None,
    store: FakeStore | None = None,
    **more: Any,
) -> None:
    async def told() -> None:
        log = Log()
        made = (children or FakeChildren(), store or FakeStore())
        overseer = Overseer(children=made[0], store=made[1], clock=FakeClock(1_000.0), event_log=log, **more)
        room = OverseerRoom(overseer, lambda _: None)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(overseer.run())
            await overseer.in_place.wait()
            await asyncio.sleep(0.01)
            await story(World(overseer, *made, room, log))
            running.cancel()

    run(told())


SETTLE_S = 0.01


def record(task_id: str, **more: Any) -> Record:
    return Record(**{"task_id": task_id, "definition": Definition(command="x"), "created_at": 1.0, **more})


def test_a_crash_loop_doubles_its_delay_and_is_written_down_now_and_then() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        policy = {"restart_delay": "1s", "max_restart_delay": "60s", "min_uptime": "10s"}
        world.ask(peer, "start", task_id="t", command="x", retry_policy=policy)
        await asyncio.sleep(SETTLE_S)
        for _ in range(9):
            world.last.ends()
            delay_s = {"1m0s": 60.0}.get(said := peer.got[-1]["restart_delay"]) or float(said.rstrip("s"))
            await asyncio.sleep(delay_s + SETTLE_S)
        delays = [message["restart_delay"] for message in peer.got if message["type"] == "restarting"]
        assert delays == ["1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s", "1m0s"]
        await asyncio.sleep(20)
        world.last.ends()
        assert peer.got[-1]["restart_delay"] == "1s"  # it ran well in between

    on(story)


def test_a_thousand_changes_are_a_few_transactions() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x", retry_policy={})
        await asyncio.sleep(SETTLE_S)
        saves = world.store.saves
        for _ in range(1_000):
            world.last.ends()
            await asyncio.sleep(0.001)
        await asyncio.sleep(1)
        assert len(world.children.started) == 1_001
        assert world.store.saves - saves < 40
        assert world.store.records["t"].restart_count == 1_000

    on(story)


def test_a_stop_ends_a_wait_and_is_kept_at_once() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x", retry_policy={"restart_delay": "1h"})
        await asyncio.sleep(SETTLE_S)
        world.last.ends()
        world.ask(peer, "stop", task_id="t")
        await asyncio.sleep(SETTLE_S)
        assert world.store.records["t"].state is TaskState.STOPPED
        await asyncio.sleep(7_200)
        assert len(world.children.started) == 1

    on(story)


def test_a_start_waits_for_what_is_left_and_a_stop_takes_it_back() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x")
        await asyncio.sleep(SETTLE_S)
        first = world.last
        first.exits(0)
        world.ask(peer, "start", task_id="t", command="x", id="a")
        await asyncio.sleep(SETTLE_S)
        assert world.last is first
        world.ask(peer, "stop", task_id="t")
        assert peer.got[-1] == {"type": "error", "message": module.STOPPED, "id": "a"}
        world.ask(peer, "start", task_id="t", command="x", id="b")
        first.clears()
        await asyncio.sleep(SETTLE_S)
        assert peer.got[-1]["id"] == "b"
        assert len(world.children.started) == 2

    on(story)


def test_a_disk_that_fails_holds_up_no_task_and_all_is_kept_once_it_works() -> None:
    async def story(world: World) -> None:
        world.store.fails = True
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x", id="1")
        world.ask(peer, "start", task_id="none", command="missing", id="2")
        await asyncio.sleep(0.1)
        assert {"started", "error"} == set(peer.kinds())
        world.last.ends(0)
        await asyncio.sleep(10)
        assert world.store.records == {}
        world.store.fails = False
        await asyncio.sleep(2)
        assert world.store.records["t"].last_exit_code == 0

    with capture_logs() as logs:
        on(story, children=FakeChildren(missing={"missing"}))
    assert {"tasks not kept yet", "task not started", "tasks not forgotten"} == {
        entry["event"] for entry in logs
    }


def test_who_takes_over_starts_what_ran_and_nothing_else() -> None:
    records = [
        record("ran", pid=7, birth="stray"),
        record("waited"),
        record("done", wanted=False, pid=8, birth="stray"),
        record("stopped", state=TaskState.STOPPED, wanted=False),
        record("gone", pid=9, definition=Definition(command="missing")),
        record("left", standing=True),
    ]

    async def story(world: World) -> None:
        peer = world.join()
        await asyncio.sleep(1)
        assert len(world.children.started) == 2
        assert world.children.strays == [7, 9]
        world.ask(peer, "list")
        states = {task["task_id"]: task["state"] for task in peer.got[-1]["tasks"]}
        active = dict.fromkeys(("ran", "waited", "done"), "active")
        assert states == {**active, "stopped": "stopped", "gone": "errored"}
        assert "left" not in world.store.records

    with capture_logs() as logs:
        on(
            story,
            store=FakeStore({one.task_id: one for one in records}),
            children=FakeChildren(missing={"missing"}, begun_after_s=5),
        )
    assert {
        "task_id": "ran",
        "pid": 7,
        "event": "task ended that nobody watched",
        "log_level": "warning",
    } in logs


def test_what_stands_in_the_settings_always_runs_as_they_say_now() -> None:
    before = record("t", standing=True, state=TaskState.STOPPED, wanted=False, pid=7)
    now = {"t": Standing(definition=Definition(command="new"), environment={"A": "b"})}

    async def story(world: World) -> None:
        await asyncio.sleep(1)
        [child] = world.children.started
        assert (child.argv, child.environment) == (("new",), {"A": "b"})
        assert world.store.records["t"].standing
        peer = world.join()
        world.ask(peer, "stop", task_id="t")
        world.last.ends(-15)
        world.ask(peer, "start", task_id="t", command="missing")
        await asyncio.sleep(1)
        assert peer.got[-1]["type"] == "error"
        world.ask(peer, "list")
        assert [task["task_id"] for task in peer.got[-1]["tasks"]] == ["t"]

    with capture_logs():
        on(story, store=FakeStore({"t": before}), standing=now, children=FakeChildren(missing={"missing"}))


def test_at_the_end_nothing_is_started_again_and_all_that_ran_is_wanted() -> None:
    store = FakeStore()

    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x", retry_policy={"restart_delay": "1s"})
        world.ask(peer, "start", task_id="u", command="x", retry_policy={"restart_delay": "1s"})
        await asyncio.sleep(SETTLE_S)
        world.children.started[0].ends()
        running = world.children.started[1]

        async def close(*, within_s: float) -> None:
            running.ends(-15)
            world.ask(peer, "start", command="x", id="late")

        world.children.close = close  # type: ignore[method-assign]
        story_peers.append(peer)

    story_peers: list[FakePeer] = []
    on(story, store=store)
    exited, error = story_peers[0].got[-2:]
    assert (exited["type"], exited["intentional"]) == ("exited", True)
    assert error == {"type": "error", "message": "the overseer ends", "id": "late"}
    assert {task_id: kept.wanted for task_id, kept in store.records.items()} == {"t": True, "u": True}


def test_who_is_held_by_another_does_not_begin() -> None:
    async def told() -> None:
        held = FakeChildren(held="another overseer holds /l")
        await Overseer(children=held, store=FakeStore(), clock=FakeClock()).run()

    with pytest.raises(ExceptionGroup) as caught:
        run(told())
    assert "another overseer holds /l" in str(caught.value.exceptions[0])


def test_only_the_pinned_command_may_be_started() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", command="other", id="1")
        assert peer.got[-1]["message"] == 'command must be "only" (pinned)'
        for words in ({}, {"command": "only"}):
            world.ask(peer, "start", args=["a"], **words)
            await asyncio.sleep(SETTLE_S)
            assert world.last.argv == ("only", "a")

    on(story, pinned="only")


def test_tasks_that_are_over_make_room_and_those_that_run_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TASKS", 2)

    async def story(world: World) -> None:
        peer = world.join()
        for name in ("a", "b"):
            world.ask(peer, "start", task_id=name, command="x")
            await asyncio.sleep(SETTLE_S)
        world.ask(peer, "start", task_id="c", command="x")
        assert peer.got[-1]["message"] == module.TOO_MANY
        world.children.started[1].ends()
        world.ask(peer, "start", task_id="c", command="x")
        await asyncio.sleep(0.2)
        assert set(world.store.records) == {"a", "c"}
        world.ask(peer, "replay", task_id="b")
        assert peer.got[-1]["message"] == "task not found"

    on(story)


def test_a_listener_that_lags_holds_back_the_task_it_hears_for_a_moment_and_no_other() -> None:
    async def story(world: World) -> None:
        healthy, lagging = world.join(), world.join()
        for name in ("flood", "other"):
            world.ask(healthy, "start", task_id=name, command="x")
        await asyncio.sleep(SETTLE_S)
        flood, other = world.children.started

        def held() -> list[bool]:
            return [child.waits for child in world.children.started]

        world.ask(lagging, "subscribe", task_id="flood")
        lagging.stuck = True
        flood.says("stdout", b"x" * BEHIND_BYTES + b"\n")
        assert held() == [True, False]
        other.says("stdout", b"x" * BEHIND_BYTES + b"\n")
        assert held() == [True, False]
        await asyncio.sleep(BEHIND_BYTES / SLOWEST_BYTES_A_S + 0.01)
        assert held() == [False, False]
        flood.says("stdout", b"more\n")
        assert held() == [True, False]
        lagging.behind_bytes, lagging.stuck = 0, False
        world.room.drained(lagging)
        assert held() == [False, False]
        assert healthy.got[-1]["data"] == "more"

    on(story)


def test_a_listener_that_never_reads_is_cut_off_within_seconds() -> None:
    async def story(world: World) -> None:
        healthy, stuck = world.join(), world.join(stuck=True)
        world.ask(healthy, "start", task_id="flood", command="x")
        await asyncio.sleep(SETTLE_S)
        began_s = asyncio.get_running_loop().time()
        while stuck.closed is None:
            if world.last.waits:
                await asyncio.sleep(0.01)
            else:
                world.last.says("stdout", (b"x" * 79 + b"\n") * 800)
        assert 5 < asyncio.get_running_loop().time() - began_s < 10
        assert stuck.behind_bytes < BACKLOG_BYTES + 200_000
        assert stuck.closed[0] == 1013
        world.ask(stuck, "subscribe", task_id="flood")  # it does not know yet
        world.last.says("stdout", b"on\n")
        assert not world.last.waits
        assert "ccmux_overseer_clients_cut_off_total 1" in world.overseer.told()

    with capture_logs() as logs:
        on(story)
    assert [entry["event"] for entry in logs] == ["client cut off"]


def test_who_leaves_behind_holds_nobody_back() -> None:
    async def story(world: World) -> None:
        peer, leaving = world.join(), world.join(stuck=True)
        world.ask(peer, "start", task_id="t", command="x")
        await asyncio.sleep(SETTLE_S)
        child = world.last
        child.says("stdout", b"x" * BEHIND_BYTES + b"\n")
        was_held = child.waits
        world.room.left(leaving)
        assert (was_held, child.waits) == (True, False)

    on(story)


def test_what_happens_is_logged_and_counted() -> None:
    async def story(world: World) -> None:
        peer = world.join()
        world.ask(peer, "start", task_id="t", command="x", retry_policy={"error_threshold": 2})
        await asyncio.sleep(SETTLE_S)
        world.last.says("stdout", b"a\nb\n")
        world.last.ends(3)
        await asyncio.sleep(SETTLE_S)
        world.last.ends(-9)
        kinds = [event["type"] for event in world.logged]
        assert kinds == ["started", "output", "output", "exited", "started", "exited"]
        told = world.overseer.told()
        for line in (
            'tasks{state="errored"} 1',
            *("running 0", "clients 1", "started_total 2", "restarted_total 1", "exited_total 2"),
            *("errored_total 1", "output_lines_total 2", "output_bytes_total 4"),
        ):
            assert f"ccmux_overseer_{line}\n" in told

    with capture_logs():
        on(story)


def test_a_room_lets_nobody_in_before_all_is_in_place() -> None:
    async def told() -> None:
        overseer = Overseer(children=FakeChildren(), store=FakeStore(), clock=FakeClock(1_000.0))
        handshake = Handshake(path="/ws")
        open_room = OverseerRoom(overseer, lambda _: None)
        shut_room = OverseerRoom(overseer, lambda _: Refusal(401, "no"))
        early, refused = open_room.refuse(handshake), shut_room.refuse(handshake)
        assert early is not None
        assert early.status == 503
        assert refused == Refusal(401, "no")
        overseer.in_place.set()
        assert open_room.refuse(handshake) is None

    run(told())
