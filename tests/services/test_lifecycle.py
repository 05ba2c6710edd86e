"""Lifecycle on virtual time, with a terminal in which a Claude lives and dies as the story wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import pytest

from ccmux.core.errors import ClaudeNotFound, PaneLost
from ccmux.core.events import Draft
from ccmux.core.launch import Launch
from ccmux.core.observation import PaneProcess, ProcessSeen, SessionSeen
from ccmux.core.session_plan import SessionPlan
from ccmux.ports import HostedSession
from ccmux.services.hub import Hub
from ccmux.services.lifecycle import Lifecycle, RecoverySettings
from tests import virtual_time


class FakeTerminal:
    """The ports Terminal and Processes: one pane; `end` ends what runs in it."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.last = PaneProcess(pid=None, dead=False)
        self.starts: list[tuple[float, tuple[str, ...]]] = []
        self.refuses = False
        self.dies_at_once = 0
        self._next_pid = 100
        self._ended = asyncio.Event()
        self._closed = asyncio.Event()

    async def open(self) -> None:
        if self.refuses:
            raise PaneLost("no tmux", during="open")
        self._closed.clear()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def process(self) -> PaneProcess:
        return self.last

    async def last_rows(self) -> Sequence[str]:
        return ("no luck today", "Pane is dead (status 1)")

    async def respawn(
        self, argv: Sequence[str], *, env: Mapping[str, str], unset: Collection[str], cwd: str
    ) -> None:
        self.starts.append((asyncio.get_running_loop().time(), tuple(argv)))
        self.run(self._next_pid)
        self._next_pid += 1
        if self.dies_at_once:
            self.dies_at_once -= 1
            self.end(exit_status=1)

    def run(self, pid: int) -> None:
        self._ended = asyncio.Event()
        self.last = PaneProcess(pid=pid, dead=False)

    def end(self, *, exit_status: int | None = None, exit_signal: int | None = None) -> None:
        self.last = PaneProcess(pid=None, dead=True, exit_status=exit_status, exit_signal=exit_signal)
        self._ended.set()

    def lose(self) -> None:
        """The tmux session goes, and Claude with it."""
        self.last = PaneProcess(pid=None, dead=False)
        self._closed.set()

    def disconnect(self) -> None:
        """Only our connection to tmux goes."""
        self._closed.set()

    # Processes
    async def wait_exit(self, pid: int) -> None:
        if self.last.pid == pid:
            await self._ended.wait()

    def started_at(self, pid: int) -> float:
        return 1_000.0 + pid

    def start_time(self, pid: int) -> str:
        return str(pid)

    def state(self, pid: int) -> str:
        return "S"


class FakeStore:
    def __init__(self) -> None:
        self.session: HostedSession | None = None
        self.events: list[dict[str, Any]] = []

    async def hosted(self) -> HostedSession | None:
        return self.session

    async def host(self, session: HostedSession) -> None:
        self.session = session

    async def record(self, draft: Draft) -> None:
        self.events.append(dict(draft.fields))


class Desk:
    """A lifecycle with everything around it."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.ear = self.hub.listen(ProcessSeen, SessionSeen)
        self.terminal = FakeTerminal()
        self.store = FakeStore()
        self.conversations: set[str] = set()
        self.plans: list[SessionPlan] = []
        self.missing = False
        self.lifecycle = self._lifecycle(reset_after_s=0)

    def _lifecycle(self, *, reset_after_s: float) -> Lifecycle:
        return Lifecycle(
            store=self.store,  # type: ignore[arg-type]
            sightings=self.hub,
            terminal=self.terminal,
            processes=self.terminal,
            transcripts=self,
            prepare=self.prepare,
            new_id=lambda: f"new-{len(self.plans)}",
            settings=RecoverySettings(backoff_initial_s=1, backoff_cap_s=60, reset_after_s=reset_after_s),
            cwd="/project",
        )

    def resetting_after(self, seconds: float) -> None:
        self.lifecycle = self._lifecycle(reset_after_s=seconds)

    def transcript_path(self, cwd: str, session_id: str) -> str:
        return f"{cwd}/{session_id}.jsonl"

    def holds_conversation(self, path: str) -> bool:
        return path in self.conversations

    async def prepare(self, plan: SessionPlan) -> Launch:
        if self.missing:
            raise ClaudeNotFound("claude")
        self.plans.append(plan)
        return Launch(
            argv=("claude", plan.session_id),
            env={},
            unset=frozenset(),
            cwd="/",
            settings_json="{}",
            warnings=(),
        )

    def spoke(self, session_id: str) -> None:
        """The conversation has a transcript with a prompt now."""
        self.conversations.add(f"/{session_id}")
        self.store.session = HostedSession(
            session_id=session_id, transcript_path=f"/{session_id}", spoken=True, offset=0
        )

    def seen_pids(self) -> list[int | None]:
        return [s.pid for s in self.ear.drain() if isinstance(s, ProcessSeen)]

    def told(self, *keys: str) -> list[tuple[Any, ...]]:
        return [tuple(event.get(key) for key in keys) for event in self.store.events]


def story(
    tell: Callable[[Desk], Awaitable[None]], *, before: Callable[[Desk], None] = lambda _: None
) -> None:
    async def told() -> None:
        desk = Desk()
        before(desk)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(desk.lifecycle.run(), name="lifecycle")
            await tell(desk)
            task.cancel()

    virtual_time.run(told())


async def pass_time(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_the_first_start_is_a_new_session_that_is_remembered() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        assert desk.plans == [SessionPlan(session_id="new-0", resume=False)]
        assert desk.store.session is not None
        assert desk.store.session.session_id == "new-0"
        assert desk.seen_pids() == [100]
        assert desk.told("event", "pid", "session_id") == [("started", 100, "new-0")]

    story(tell)


def test_a_running_claude_is_adopted_and_left_alone() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(3_600)
        assert desk.terminal.starts == []
        assert desk.store.events == []
        heard = desk.ear.drain()
        assert heard == [
            SessionSeen(session_id="old", transcript_path="/old"),
            ProcessSeen(pid=42, started_at=1_042.0),
        ]

    def before(desk: Desk) -> None:
        desk.spoke("old")
        desk.terminal.run(42)

    story(tell, before=before)


def unnamed(desk: Desk) -> None:
    """The last daemon died before a hook named the transcript."""
    desk.store.session = HostedSession(session_id="old", transcript_path="", spoken=False, offset=0)


def test_a_conversation_whose_transcript_no_hook_named_is_read_where_it_must_be() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        assert desk.ear.drain()[0] == SessionSeen(session_id="old", transcript_path="/project/old.jsonl")

    def before(desk: Desk) -> None:
        unnamed(desk)
        desk.terminal.run(42)

    story(tell, before=before)


def test_a_conversation_whose_transcript_no_hook_named_is_resumed() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        assert desk.plans == [SessionPlan(session_id="old", resume=True)]

    def before(desk: Desk) -> None:
        unnamed(desk)
        desk.conversations.add("/project/old.jsonl")

    story(tell, before=before)


def test_a_crash_is_told_and_the_same_session_resumed_after_the_backoff() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.spoke("new-0")
        desk.terminal.end(exit_signal=9)
        await pass_time(0.9)
        assert desk.told("event", "exit", "backoff_s", "restarts")[1:] == [("crashed", -9, 1.0, 0)]
        assert desk.seen_pids() == [100, None, None]
        await pass_time(0.2)
        assert desk.plans[1:] == [SessionPlan(session_id="new-0", resume=True)]
        assert desk.told("event", "restarts")[2:] == [("resumed", 1)]

    story(tell)


def test_why_it_does_not_run_is_told_with_its_last_words() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.terminal.end(exit_status=1)
        await pass_time(0.5)
        reasons = [s.reason for s in desk.ear.drain() if isinstance(s, ProcessSeen)]
        assert reasons[-1] == "it ended with 1 and starts again in 1 s; it said: no luck today"

    story(tell)


def test_ends_soon_after_a_start_are_counted_until_one_lives_longer() -> None:
    async def tell(desk: Desk) -> None:
        for early_ends in (1, 2, 3):
            await pass_time(20)
            desk.terminal.end(exit_status=1)
            await pass_time(0.5)
            assert desk.lifecycle.early_ends == early_ends
        await pass_time(20)
        assert desk.lifecycle.early_ends == 3, "it has not shown yet that it lives"
        await pass_time(20)
        assert desk.lifecycle.early_ends == 0
        desk.terminal.end(exit_status=1)
        await pass_time(0.5)
        assert desk.lifecycle.early_ends == 0

    story(tell)


def test_an_exit_by_hand_is_no_crash_and_is_followed_by_a_start_too() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.terminal.end(exit_status=0)
        await pass_time(2)
        assert desk.told("event", "exit")[1] == ("exited", 0)
        assert len(desk.terminal.starts) == 2

    story(tell)


def test_the_wait_doubles_up_to_its_cap_and_is_never_reset() -> None:
    async def tell(desk: Desk) -> None:
        for wait_s in (1, 2, 4, 8, 16, 32, 60, 60):
            await pass_time(10_000)
            before = asyncio.get_running_loop().time()
            desk.terminal.end(exit_status=1)
            await pass_time(100)
            assert desk.terminal.starts[-1][0] - before == pytest.approx(wait_s)

    story(tell)


def test_health_resets_the_wait_where_the_settings_say_so() -> None:
    async def tell(desk: Desk) -> None:
        for _ in range(5):
            await pass_time(301)
            desk.terminal.end(exit_status=1)
            await pass_time(1.5)
        assert len(desk.terminal.starts) == 6
        assert desk.lifecycle.restarts == 1

    story(tell, before=lambda desk: desk.resetting_after(300))


def test_a_claude_that_dies_at_once_never_makes_a_hot_loop() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(600)
        assert len(desk.terminal.starts) < 20
        assert {event for (event,) in desk.told("event")} == {"started", "crashed"}

    story(tell, before=lambda desk: setattr(desk.terminal, "dies_at_once", 10**6))


def test_a_lost_transcript_starts_a_new_session_loudly() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        assert desk.told("event", "session_id", "lost") == [("started", "new-0", "gone")]

    def before(desk: Desk) -> None:
        desk.spoke("gone")
        desk.conversations.clear()

    story(tell, before=before)


def test_a_session_that_never_spoke_is_replaced_quietly() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.terminal.end(exit_status=1)
        await pass_time(2)
        assert desk.told("event", "lost")[-1] == ("started", None)
        assert desk.plans[-1].session_id == "new-1"

    story(tell)


def test_a_lost_tmux_session_is_built_again() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.spoke("new-0")
        desk.terminal.lose()
        await pass_time(5)
        assert [event for (event,) in desk.told("event")] == ["started", "crashed", "resumed"]

    story(tell)


def test_a_lost_connection_is_no_death() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.terminal.disconnect()
        await pass_time(5)
        assert desk.seen_pids() == [100]
        assert len(desk.terminal.starts) == 1

    story(tell)


def test_tmux_that_refuses_is_asked_again() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(10)
        assert desk.terminal.starts == []
        desk.terminal.refuses = False
        await pass_time(1)
        assert len(desk.terminal.starts) == 1

    story(tell, before=lambda desk: setattr(desk.terminal, "refuses", True))


def test_a_missing_program_at_the_first_start_is_said_to_the_person() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        story(lambda _: pass_time(1), before=lambda desk: setattr(desk, "missing", True))
    assert raised.group_contains(ClaudeNotFound, match="npm install")


def test_a_program_that_is_being_replaced_is_waited_for() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(1)
        desk.missing = True
        desk.terminal.end(exit_status=1)
        await pass_time(300)
        desk.missing = False
        await pass_time(61)
        assert len(desk.terminal.starts) == 2

    story(tell)
