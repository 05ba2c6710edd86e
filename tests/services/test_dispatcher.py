"""The dispatcher on virtual time, with a Claude whose box, witnesses and person are moved by hand."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import PaneLost, RequestRefused
from ccmux.core.events import Draft
from ccmux.core.messages import FOLLOWS, Message, MessageState
from ccmux.core.observation import (
    CaughtUp,
    HookEvent,
    HookSeen,
    PaneView,
    ProcessSeen,
    PromptBlocked,
    PromptSeen,
    QueueGrew,
    RegistryEntry,
    RegistrySeen,
)
from ccmux.core.prompt import InjectionLimits
from ccmux.ports import ExpectedPrompt
from ccmux.services.dispatcher import Dispatcher, DispatcherSettings
from ccmux.services.hub import Hub
from tests import virtual_time

EPOCH = 1_700_000_000.0
RULE = "─" * 60
PERMISSION = ("Do you want to proceed?", "❯ 1. Yes", "  2. No", "", "Esc to cancel · Tab to amend")


class LoopClock:
    """Wall time that goes with the loop."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def local(self, ts: float) -> datetime:
        return datetime.fromtimestamp(ts, UTC)

    def hhmm(self, ts: float) -> str:
        return self.local(ts).strftime("%H:%M")


class FakeClaude:
    """The port Pane, and a Claude behind it: what is pasted stands in its box, Enter submits it."""

    def __init__(self, hub: Hub, clock: LoopClock) -> None:
        self.hub = hub
        self.clock = clock
        self.box = ""
        self.screen: tuple[str, ...] | None = None
        self.in_mode = False
        self.human_idle_s: float | None = None
        self.key_s: float | None = None
        """When a person pressed a key."""
        self.stash: str | None = None
        self.stashes = True
        """Ctrl-S works."""
        self.footer = "  ⏸ manual mode on · ? for shortcuts"
        self.lost = False
        self.keys: list[str] = []
        self.pressed_s = 0.0
        self.submitted: list[str] = []
        self.swallows = 0
        """Enters that are lost."""
        self.deaf = False
        """Pastes are lost."""
        self.hooks = True
        self.on_paste: Callable[[], None] = lambda: None
        self.on_look: Callable[[], None] = lambda: None
        self.before_keys: Callable[[], None] = lambda: None

    async def look(self) -> PaneView:
        await asyncio.sleep(0)
        if self.lost:
            raise PaneLost("gone", during="look")
        self.on_look()
        lines = self.box.split("\n")
        box = (RULE, *(("❯ " if n == 0 else "  ") + line for n, line in enumerate(lines)), RULE)
        footer = self.footer + (" · draft stashed" if self.stash is not None else "")
        rows = self.screen if self.screen is not None else (*box, footer)
        quiet_s = math.inf if self.key_s is None else max(0.0, self.now_s() - self.key_s)
        return PaneView(
            rows=rows,
            cursor=(2 + len(lines[-1]), len(lines)),
            in_mode=self.in_mode,
            dead=False,
            human_idle_s=self.human_idle_s if self.key_s is None else quiet_s,
            keys_quiet_s=quiet_s,
            keys_mark=str(self.key_s),
        )

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def typed(self, text: str) -> None:
        """Let a person press keys."""
        self.box += text
        self.key_s = self.now_s()

    def reached(self, since: PaneView | None) -> bool:
        self.before_keys()
        return since is None or (since.keys_mark == str(self.key_s) and not self.in_mode)

    async def paste(self, *texts: str, since: PaneView | None = None) -> bool:
        await asyncio.sleep(0)
        if self.lost:
            raise PaneLost("gone", during="paste")
        if not self.reached(since):
            return False
        self.keys.append("paste")
        if not self.deaf:
            self.box += "".join(texts)
        self.on_paste()
        return True

    async def press(self, key: str, *, since: PaneView | None = None) -> bool:
        await asyncio.sleep(0)
        if not self.reached(since):
            return False
        self.keys.append(key)
        self.pressed_s = self.now_s()
        match key:
            case "Enter" if self.swallows:
                self.swallows -= 1
            case "Enter":
                self.submit()
            case "C-s" if self.stashes and self.box:
                self.stash, self.box = self.box, ""
            case "C-u":
                self.box = self.box.rpartition("\n")[0]
        return True

    def submit(self) -> None:
        text, self.box = self.box.strip(), ""
        self.box, self.stash = self.stash or "", None
        self.submitted.append(text)
        if self.hooks:
            self.hook("UserPromptSubmit", prompt=text)
        self.status("busy")

    def hook(self, name: str, **payload: Any) -> None:
        event = HookEvent(
            name=name,
            session_id="s",
            transcript_path="/t",
            prompt_id="p1",
            at=self.clock.now(),
            payload=payload,
        )
        self.hub.tell(HookSeen(event=event))

    def status(self, word: str, waiting_for: str = "") -> None:
        entry = RegistryEntry(
            pid=7, session_id="s", status=word, waiting_for=waiting_for, updated_at=self.clock.now()
        )
        self.hub.tell(RegistrySeen(entry=entry))


class FakeStore:
    """The store's queue in memory."""

    def __init__(self) -> None:
        self.queue: dict[int, Message] = {}
        self.batches: list[ExpectedPrompt] = []
        self.history: list[tuple[int, str, str]] = []
        self.states: list[tuple[str, str | None]] = []
        self.is_paused = False

    def put(self, content: str, *, channel: str = "tg") -> int:
        id_ = len(self.queue) + 1
        self.queue[id_] = Message(
            id=id_,
            channel=channel,
            content=content,
            ts=EPOCH,
            key=None,
            meta={},
            attachments=(),
            state=MessageState.QUEUED,
        )
        return id_

    def state(self, id_: int) -> str:
        return self.queue[id_].state.value

    async def waiting(self, limit: int) -> list[Message]:
        await asyncio.sleep(0)
        return [m for m in self.queue.values() if m.state is MessageState.QUEUED][:limit]

    async def in_flight(self) -> list[Message]:
        states = {"typing", "submitted", "started", "uncertain"}
        return [m for m in self.queue.values() if m.state.value in states]

    async def begin_typing(self, ids: Sequence[int], *, lead: str, body: str) -> None:
        await asyncio.sleep(0)
        at = EPOCH + asyncio.get_running_loop().time()
        self.batches.append(ExpectedPrompt(ids=tuple(ids), lead=lead, body=body, typed_at=at))
        await self.move(ids, MessageState.TYPING)

    async def expected(self) -> list[ExpectedPrompt]:
        states = {MessageState.TYPING, MessageState.SUBMITTED, MessageState.UNCERTAIN}
        newest = {batch.ids: batch for batch in self.batches}
        return [
            replace(batch, submitted=self.queue[ids[0]].state is MessageState.SUBMITTED)
            for ids, batch in newest.items()
            if self.queue[ids[0]].state in states
        ]

    async def move(
        self, ids: Collection[int], state: MessageState, *, reason: str = "", prompt_id: str | None = None
    ) -> None:
        for id_ in ids:
            message = self.queue[id_]
            if state in FOLLOWS[message.state]:
                self.queue[id_] = replace(message, state=state, reason=reason, prompt_id=prompt_id)
                self.history.append((id_, state.value, reason))

    async def paused(self) -> bool:
        return self.is_paused

    async def pause(self, *, on: bool) -> None:
        self.is_paused = on

    async def record(self, draft: Draft) -> None:
        self.states.append((draft.fields["state"], draft.fields["hold"]))


class NoLongMessages:
    def path_for(self, message: Message) -> str:
        return f"/long/{message.id}"

    async def write(self, path: str, text: str) -> None:
        self.written = (path, len(text))


class Desk:
    """A running dispatcher with everything around it."""

    def __init__(self, *, draft_patience_s: float = 0.0, idle_threshold_s: float = 30.0) -> None:
        self.hub = Hub()
        self.clock = LoopClock()
        self.claude = FakeClaude(self.hub, self.clock)
        self.store = FakeStore()
        self.long = NoLongMessages()
        self.is_suspended = False
        self.dispatcher = Dispatcher(
            store=self.store,  # type: ignore[arg-type]
            sightings=self.hub,
            pane=self.claude,
            clock=self.clock,
            long_messages=self.long,
            settings=DispatcherSettings(
                idle_threshold_s=idle_threshold_s,
                silence_s=3.0,
                limits=InjectionLimits(),
                draft_patience_s=draft_patience_s,
            ),
            suspended=lambda _pid: self.is_suspended,
        )

    def running(self, *, caught_up: bool = True) -> None:
        """Tell of an idle Claude."""
        self.hub.tell(ProcessSeen(pid=7, started_at=EPOCH - 60))
        self.claude.status("idle")
        if caught_up:
            self.hub.tell(CaughtUp())

    def send(self, content: str) -> int:
        id_ = self.store.put(content)
        self.hub.tell(QueueGrew())
        return id_

    def turn_over(self, *ids: int) -> None:
        """End Claude's turn, and let the transcript prove these messages."""
        for id_ in ids:
            self.store.queue[id_] = replace(self.store.queue[id_], state=MessageState.ANSWERED)
        self.claude.hook("Stop")
        self.claude.status("idle")


def story(
    tell: Callable[[Desk], Awaitable[None]],
    *,
    before: Callable[[Desk], None] | None = None,
    draft_patience_s: float = 0.0,
    idle_threshold_s: float = 30.0,
) -> Desk:
    """Run a story beside a dispatcher on virtual time; `before` is what an earlier life left."""

    async def told() -> Desk:
        desk = Desk(draft_patience_s=draft_patience_s, idle_threshold_s=idle_threshold_s)
        if before is not None:
            before(desk)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(desk.dispatcher.run(), name="dispatcher")
            await tell(desk)
            task.cancel()
        return desk

    return virtual_time.run(told())


async def pass_time(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_a_message_is_typed_when_claude_is_idle_and_proved_by_the_hook() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        id_ = desk.send("hello")
        await pass_time(1)
        assert desk.claude.submitted == ["[22:13 tg] hello"]
        assert desk.claude.keys == ["paste", "Enter"]
        assert desk.store.history == [(id_, "typing", ""), (id_, "submitted", "")]
        assert desk.store.queue[id_].prompt_id == "p1"

    story(tell)


def test_several_waiting_messages_go_in_one_injection_oldest_first() -> None:
    async def tell(desk: Desk) -> None:
        for n in range(3):
            desk.send(f"m{n}")
        desk.running()
        await pass_time(1)
        assert desk.claude.submitted == ["[22:13 tg] m0\n[22:13 tg] m1\n[22:13 tg] m2"]

    story(tell)


def test_the_next_batch_waits_for_the_end_of_the_turn() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        first = desk.send("one")
        await pass_time(1)
        desk.send("two")
        await pass_time(60)
        assert len(desk.claude.submitted) == 1
        assert desk.dispatcher.status()["hold"] == "Claude is generating"
        desk.turn_over(first)
        await pass_time(1)
        assert desk.claude.submitted[1:] == ["[22:13 tg] two"]

    story(tell)


def dialog(desk: Desk) -> None:
    desk.claude.screen = PERMISSION


def draft(desk: Desk) -> None:
    desk.claude.box = "half a thought"


def copy_mode(desk: Desk) -> None:
    desk.claude.in_mode = True


def typing_person(desk: Desk) -> None:
    desk.claude.human_idle_s = 5.0


def unknown_screen(desk: Desk) -> None:
    desk.claude.screen = ("vim",)


def suspended(desk: Desk) -> None:
    desk.is_suspended = True


@pytest.mark.parametrize(
    ("hinder", "hold"),
    [
        (dialog, "permission prompt"),
        (draft, "draft in the input box"),
        (copy_mode, "copy mode"),
        (typing_person, "terminal active"),
        (unknown_screen, "unknown screen"),
        (suspended, "not running"),
    ],
)
def test_what_only_a_look_tells_holds_and_is_looked_at_again(
    hinder: Callable[[Desk], None], hold: str
) -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        hinder(desk)
        with capture_logs() as logs:
            desk.send("hello")
            await pass_time(120)
        assert desk.claude.keys == []
        assert desk.dispatcher.status()["hold"] == hold
        suppressed = [line["event"] for line in logs if "suppressed" in line["event"]]
        assert suppressed == [f"injection suppressed: {hold}"]
        desk.claude.screen, desk.claude.box, desk.claude.in_mode = None, "", False
        desk.claude.human_idle_s, desk.is_suspended = None, False
        await pass_time(30)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_draft_that_is_held_for_is_left_as_it_is() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        draft(desk)
        desk.send("hello")
        await pass_time(600)
        assert desk.claude.box == "half a thought"

    story(tell)


def test_a_hold_that_comes_between_commit_and_paste_sends_no_key() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        looks = 0

        def second_look_finds_a_dialog() -> None:
            nonlocal looks
            looks += 1
            desk.claude.screen = PERMISSION if looks >= 2 else None

        desk.claude.on_look = second_look_finds_a_dialog
        id_ = desk.send("hello")
        await pass_time(5)
        assert desk.claude.keys == []
        assert desk.store.state(id_) == "queued"
        assert desk.store.queue[id_].reason == "permission prompt"

    story(tell)


def test_an_enter_that_was_swallowed_is_pressed_again_while_ours_stands_there() -> None:
    async def tell(desk: Desk) -> None:
        desk.claude.swallows = 2
        desk.running()
        desk.send("hello")
        await pass_time(5)
        assert desk.claude.keys == ["paste", "Enter", "Enter", "Enter"]
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_enter_is_not_pressed_while_a_persons_words_stand_beside_ours() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)

        def a_person_types() -> None:
            desk.claude.box += "wait, I"

        desk.claude.on_paste = a_person_types
        id_ = desk.send("hello")
        await pass_time(300)
        assert desk.claude.keys == ["paste"]
        assert desk.store.state(id_) == "typing"
        desk.claude.box = desk.claude.box.removesuffix("wait, I")
        await pass_time(2)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_dialog_that_opens_over_our_paste_gets_no_enter() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: desk.claude.status("waiting", "permission prompt")
        desk.send("hello")
        await pass_time(60)
        assert desk.claude.keys == ["paste"]
        desk.claude.status("idle")
        await pass_time(2)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_text_that_a_person_deleted_before_enter_is_typed_again() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)

        def foreign_then_deleted() -> None:
            desk.claude.on_paste = lambda: None
            desk.claude.box += "x"
            asyncio.get_running_loop().call_later(2, lambda: setattr(desk.claude, "box", ""))

        desk.claude.on_paste = foreign_then_deleted
        id_ = desk.send("hello")
        await pass_time(10)
        assert (id_, "queued", "somebody removed it from the input box") in desk.store.history
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_the_transcript_proves_where_the_hook_was_lost() -> None:
    async def tell(desk: Desk) -> None:
        desk.claude.hooks = False
        desk.running()
        id_ = desk.send("hello")
        await pass_time(5)
        assert desk.store.state(id_) == "typing"
        desk.hub.tell(PromptSeen(session_id="s", prompt_id="p9", text="[22:13 tg] hello"))
        await pass_time(0.1)
        assert desk.store.queue[id_].prompt_id == "p9"
        assert desk.store.state(id_) == "submitted"
        assert desk.claude.keys == ["paste", "Enter"]

    story(tell)


def test_a_paste_that_was_lost_is_typed_again_once_and_then_given_up() -> None:
    async def tell(desk: Desk) -> None:
        desk.claude.deaf = True
        desk.running()
        id_ = desk.send("hello")
        await pass_time(200)
        assert desk.claude.keys == ["paste", "paste"]
        assert desk.store.state(id_) == "dead"
        assert "never reported" in desk.store.queue[id_].reason

    story(tell)


def left_typing(desk: Desk) -> None:
    id_ = desk.store.put("hello")
    desk.store.queue[id_] = replace(desk.store.queue[id_], state=MessageState.TYPING)
    desk.store.batches.append(ExpectedPrompt(ids=(id_,), lead="", body="[22:13 tg] hello", typed_at=EPOCH))


def test_what_a_daemon_left_in_the_box_is_brought_to_its_end() -> None:
    def before(desk: Desk) -> None:
        left_typing(desk)
        desk.claude.box = "[22:13 tg] hello "

    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(5)
        assert desk.claude.keys == ["Enter"]
        assert [state for _, state, _ in desk.store.history] == ["uncertain", "submitted"]

    story(tell, before=before)


LEAD = "[22:13 ccmux] 1 message:"
LONG_BODY = "[22:13 tg] " + "x" * 900


def left_typing_long(desk: Desk) -> None:
    left_typing(desk)
    desk.store.batches[0] = replace(desk.store.batches[0], lead=LEAD, body=LONG_BODY)
    desk.claude.box = LEAD


def test_where_a_daemon_died_behind_the_lead_the_rest_is_typed() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(2)
        assert desk.claude.keys == []  # it may be on its way
        await pass_time(5)
        assert desk.claude.keys == ["paste", "Enter"]
        assert desk.claude.submitted == [LEAD + LONG_BODY]

    story(tell, before=left_typing_long)


def test_in_copy_mode_the_rest_is_not_typed() -> None:
    async def tell(desk: Desk) -> None:
        desk.claude.in_mode = True
        desk.running()
        await pass_time(60)
        assert desk.claude.keys == []
        desk.claude.in_mode = False
        await pass_time(5)
        assert desk.claude.submitted == [LEAD + LONG_BODY]

    story(tell, before=left_typing_long)


def test_what_every_claude_took_with_it_is_typed_again_as_often() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        id_ = desk.send("hello")
        for pid in (8, 9, 10):
            await pass_time(5)
            desk.hub.tell(ProcessSeen(pid=None))
            desk.hub.tell(ProcessSeen(pid=pid, started_at=desk.clock.now()))
            desk.claude.status("idle")
        await pass_time(10)
        assert desk.claude.submitted == ["[22:13 tg] hello"] * 4
        assert desk.store.state(id_) == "submitted"

    story(tell)


def test_behind_a_crash_nothing_is_typed_until_the_cut_turn_was_told() -> None:
    def before(desk: Desk) -> None:
        id_ = desk.store.put("cut")
        desk.store.queue[id_] = replace(desk.store.queue[id_], state=MessageState.STARTED)

    async def tell(desk: Desk) -> None:
        desk.hub.tell(ProcessSeen(pid=8, started_at=desk.clock.now()))
        desk.claude.status("idle")
        desk.hub.tell(CaughtUp())
        desk.send("hello")
        await pass_time(2)
        assert desk.claude.keys == []
        going_on = desk.store.put("go on", channel="ccmux")
        first = {going_on: replace(desk.store.queue.pop(going_on), key="continue-p1")}
        desk.store.queue = first | desk.store.queue
        await pass_time(0.9)
        assert "go on" in desk.claude.submitted[0]

    story(tell, before=before)


def test_a_cut_turn_that_nobody_tells_holds_for_a_moment_only() -> None:
    def before(desk: Desk) -> None:
        id_ = desk.store.put("cut")
        desk.store.queue[id_] = replace(desk.store.queue[id_], state=MessageState.STARTED)

    async def tell(desk: Desk) -> None:
        desk.hub.tell(ProcessSeen(pid=8, started_at=desk.clock.now()))
        desk.claude.status("idle")
        desk.hub.tell(CaughtUp())
        desk.send("hello")
        await pass_time(5)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell, before=before)


def test_what_a_daemon_never_typed_is_typed_once_the_transcript_is_read() -> None:
    async def tell(desk: Desk) -> None:
        desk.running(caught_up=False)
        await pass_time(60)
        assert desk.claude.keys == []
        desk.hub.tell(CaughtUp())
        await pass_time(10)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell, before=left_typing)


def test_what_the_transcript_holds_is_not_typed_again() -> None:
    async def tell(desk: Desk) -> None:
        desk.running(caught_up=False)
        await desk.store.move([1], MessageState.STARTED)  # as the turns service does
        desk.hub.tell(CaughtUp())
        await pass_time(60)
        assert desk.claude.keys == []

    story(tell, before=left_typing)


def test_a_prompt_that_died_with_claude_is_typed_again_to_the_next_one() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        id_ = desk.send("hello")
        await pass_time(1)
        assert desk.store.state(id_) == "submitted"
        desk.hub.tell(ProcessSeen(pid=None))
        await pass_time(1)
        desk.hub.tell(ProcessSeen(pid=8, started_at=desk.clock.now()))
        desk.claude.status("idle")
        await pass_time(10)
        assert desk.claude.submitted == ["[22:13 tg] hello"] * 2

    story(tell)


def test_the_same_claude_is_never_told_twice_what_its_hook_reported() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.send("hello")
        await pass_time(1)
        desk.claude.hook("Stop")
        desk.claude.status("idle")  # the transcript says nothing, for whatever reason
        await pass_time(600)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_claude_that_ends_while_it_is_typed_at_leaves_it_uncertain() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: desk.hub.tell(ProcessSeen(pid=None))
        id_ = desk.send("hello")
        await pass_time(1)
        assert desk.store.state(id_) == "uncertain"
        assert "Claude ended" in desk.store.queue[id_].reason

    story(tell)


def test_a_lost_pane_is_survived() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.lost = True
        desk.send("hello")
        await pass_time(20)
        desk.claude.lost = False
        await pass_time(10)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_pane_lost_while_typing_leaves_it_uncertain() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: setattr(desk.claude, "lost", True)
        id_ = desk.send("hello")
        await pass_time(1)
        assert desk.store.state(id_) == "uncertain"

    story(tell)


def test_pause_holds_and_resume_goes_on_at_once() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await desk.dispatcher.pause()
        desk.send("hello")
        await pass_time(60)
        assert desk.claude.keys == []
        assert desk.dispatcher.status()["hold"] == "paused"
        await desk.dispatcher.resume()
        await pass_time(1)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_pause_of_an_earlier_life_still_holds() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.send("hello")
        await pass_time(60)
        assert desk.claude.keys == []
        assert desk.dispatcher.status()["paused"]

    story(tell, before=lambda desk: setattr(desk.store, "is_paused", True))


def test_interrupt_presses_escape_only_in_a_claude_at_work() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        with pytest.raises(RequestRefused):
            await desk.dispatcher.interrupt()
        desk.claude.status("busy")
        await pass_time(0.1)
        await desk.dispatcher.interrupt()
        assert desk.claude.keys == ["Escape"]

    story(tell)


def test_the_state_is_told_when_it_changes_and_only_then() -> None:
    async def tell(desk: Desk) -> None:
        await pass_time(5)
        desk.running()
        await pass_time(5)
        desk.claude.status("busy")
        await pass_time(60)
        desk.claude.status("idle")
        await pass_time(60)
        assert desk.store.states == [
            ("down", "not running"),
            ("idle", None),
            ("busy", "Claude is generating"),
            ("idle", None),
        ]

    story(tell)


def test_a_start_up_dialog_is_named_without_any_message() -> None:
    async def tell(desk: Desk) -> None:
        desk.claude.screen = ("Do you trust?", "❯ 1. No, exit", "  2. Yes, I trust this folder")
        desk.hub.tell(ProcessSeen(pid=7))
        await pass_time(2)
        assert desk.dispatcher.status()["hold"] == "starting"
        assert "folder trust" in desk.dispatcher.status()["detail"]

    story(tell)


def test_a_text_that_names_an_image_rests_before_enter() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        pasted_s = 0.0
        now_s = asyncio.get_running_loop().time

        def pasted() -> None:
            nonlocal pasted_s
            pasted_s = now_s()

        desk.claude.on_paste = pasted
        desk.send("look at cat.png")
        await pass_time(1)
        assert desk.claude.keys == ["paste", "Enter"]
        assert desk.claude.pressed_s - pasted_s == pytest.approx(0.1, abs=0.02)

    story(tell)


def test_a_long_message_is_on_disk_before_it_is_typed() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.send("x" * 30_000)
        await pass_time(1)
        assert desk.long.written == ("/long/1", 30_000)
        assert "/long/1" in desk.claude.submitted[0]

    story(tell)


# ------------------------------------------------------------------------------ a person at the keyboard


def test_a_key_that_comes_between_the_look_and_the_paste_holds_the_paste() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)

        def typed() -> None:
            desk.claude.before_keys = lambda: None
            desk.claude.typed("I ")

        desk.claude.before_keys = typed
        id_ = desk.send("hello")
        await pass_time(100)
        assert desk.claude.keys == []
        assert desk.claude.box == "I "
        assert (id_, "queued", "somebody pressed a key just then") in desk.store.history
        desk.claude.box = ""
        await pass_time(100)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_key_that_comes_between_the_look_and_enter_holds_enter() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        sent = 0

        def typed() -> None:
            nonlocal sent
            sent += 1
            if sent == 2:
                desk.claude.typed("I ")

        desk.claude.before_keys = typed
        desk.send("hello")
        await pass_time(100)
        assert desk.claude.keys == ["paste"]
        desk.claude.box = desk.claude.box.removesuffix("I ")
        await pass_time(2)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_enter_waits_until_a_key_is_surely_drawn() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: desk.claude.typed("")  # a key that is not drawn yet
        desk.send("hello")
        await pass_time(0.9)
        assert desk.claude.keys == ["paste"]
        await pass_time(1)
        assert desk.claude.keys == ["paste", "Enter"]

    story(tell)


def test_a_draft_left_alone_is_put_aside_and_stands_there_again_after_ours() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box = "half a thought"
        first = desk.send("one")
        await pass_time(19)
        assert desk.claude.keys == []
        assert "put aside in" in desk.dispatcher.status()["detail"]
        await pass_time(3)
        assert desk.claude.keys == ["C-s", "paste", "Enter"]
        assert desk.claude.submitted == ["[22:13 tg] one"]
        assert desk.claude.box == "half a thought"
        desk.send("two")
        desk.turn_over(first)
        await pass_time(15)  # its patience began anew
        assert desk.claude.keys == ["C-s", "paste", "Enter"]
        await pass_time(8)
        assert desk.claude.submitted == ["[22:13 tg] one", "[22:13 tg] two"]

    story(tell, draft_patience_s=20)


def test_a_draft_that_somebody_works_on_is_waited_for() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box = "half a thought"
        desk.send("one")
        for _ in range(30):
            await pass_time(10)
            desk.claude.typed(".")
        assert desk.claude.keys == []

    story(tell, draft_patience_s=20)


def test_a_second_draft_is_never_stashed_over_the_first() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box, desk.claude.stash = "second", "first"
        desk.send("one")
        await pass_time(300)
        assert desk.claude.keys == []
        assert "another draft is stashed already" in desk.dispatcher.status()["detail"]

    story(tell, draft_patience_s=20)


def test_where_no_footer_could_tell_of_a_stash_nothing_is_stashed() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box, desk.claude.footer = "/he", "    /help"
        desk.send("one")
        await pass_time(300)
        assert desk.claude.keys == []
        assert "cannot be seen" in desk.dispatcher.status()["detail"]

    story(tell, draft_patience_s=20)


def test_a_ctrl_s_that_does_nothing_is_not_tried_again() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box, desk.claude.stashes = "half a thought", False
        desk.send("one")
        await pass_time(300)
        assert desk.claude.keys == ["C-s"]
        assert desk.claude.box == "half a thought"
        assert "Ctrl-S did not do it" in desk.dispatcher.status()["detail"]

    story(tell, draft_patience_s=20)


def test_nothing_is_typed_where_claude_does_not_say_that_it_keeps_the_draft() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box, desk.claude.stashes = "half a thought", False

        def lost() -> None:
            desk.claude.box = ""

        desk.claude.before_keys = lost
        desk.send("one")
        await pass_time(300)
        assert desk.claude.keys == ["C-s"]
        assert desk.dispatcher.status()["hold"] == "draft in the input box"
        assert "does not say that it keeps" in desk.dispatcher.status()["detail"]
        desk.claude.typed("")  # a person has seen it
        desk.claude.before_keys = lambda: None
        await pass_time(60)
        assert desk.claude.submitted == ["[22:13 tg] one"]

    story(tell, draft_patience_s=20)


def test_a_key_that_comes_before_ctrl_s_keeps_it_away() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.box = "half a thought"
        desk.claude.before_keys = lambda: desk.claude.typed("x")
        desk.send("one")
        await pass_time(40)
        assert desk.claude.keys == []

    story(tell, draft_patience_s=20)


def blocked(desk: Desk, text: str, *, at: float | None = None) -> None:
    at = desk.clock.now() if at is None else at
    desk.hub.tell(PromptBlocked(session_id="s", text=f"blocked: {text}", reason="not here", at=at))
    desk.claude.status("idle")


def test_what_a_hook_forbade_is_given_up_and_taken_out_of_the_box() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        id_ = desk.send("one\ntwo")
        await pass_time(1)
        desk.claude.box = desk.claude.submitted[0]
        blocked(desk, desk.claude.submitted[0])
        other = desk.send("other")
        await pass_time(2)
        assert desk.store.queue[id_].reason == "not here"
        assert desk.store.state(id_) == "dead"
        assert desk.store.state(other) == "submitted"
        assert desk.claude.keys == ["paste", "Enter", "C-u", "C-u", "paste", "Enter"]

    story(tell)


def test_what_a_person_has_begun_to_change_is_theirs() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        id_ = desk.send("one")
        await pass_time(1)
        desk.claude.box = desk.claude.submitted[0] + " please"
        blocked(desk, desk.claude.submitted[0])
        desk.send("other")
        await pass_time(60)
        assert desk.store.state(id_) == "dead"
        assert desk.claude.box == "[22:13 tg] one please"
        assert desk.dispatcher.status()["hold"] == "draft in the input box"

    story(tell)


def test_an_older_refusal_of_the_same_text_is_none_of_this_one() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        id_ = desk.send("one")
        await pass_time(1)
        blocked(desk, desk.claude.submitted[0], at=EPOCH - 60)
        blocked(desk, "something else")
        await pass_time(1)
        assert desk.store.state(id_) == "submitted"

    story(tell)


def test_what_claude_gave_back_after_esc_is_held_for_and_named() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        first = desk.send("one")
        await pass_time(1)
        desk.claude.box = desk.claude.submitted[0]
        desk.turn_over(first)
        desk.send("two")
        await pass_time(60)
        assert desk.claude.keys == ["paste", "Enter"]
        assert "gave back what ccmux typed" in desk.dispatcher.status()["detail"]

    story(tell)


def test_an_idle_house_sleeps() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(5)
        looks = 0

        def count() -> None:
            nonlocal looks
            looks += 1

        desk.claude.on_look = count
        await pass_time(3_600)
        assert looks == 0

    story(tell)


def test_an_interrupt_that_is_refused_takes_no_news_from_the_dispatcher() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(5)
        desk.send("hello")
        with pytest.raises(RequestRefused):
            await desk.dispatcher.interrupt()
        await pass_time(1)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_what_our_own_interrupt_gives_back_is_taken_out_of_the_box() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        first = desk.send("wait")
        await pass_time(2)
        desk.send("behind")
        await desk.dispatcher.interrupt()
        desk.claude.box = desk.claude.submitted[0]
        desk.turn_over(first)
        await pass_time(5)
        assert desk.claude.submitted[1:] == ["[22:13 tg] behind"]

    story(tell)


def test_a_box_that_a_dialog_covers_is_not_taken_for_an_empty_one() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)

        def a_key_and_then_a_dialog() -> None:
            desk.claude.on_paste = lambda: None
            desk.claude.box += "x"
            asyncio.get_running_loop().call_later(1, dialog, desk)

        desk.claude.on_paste = a_key_and_then_a_dialog
        id_ = desk.send("pay 100")
        await pass_time(30)
        assert desk.store.state(id_) == "typing"
        assert desk.dispatcher.status()["hold"] == "permission prompt"
        desk.claude.screen = None
        desk.claude.box = desk.claude.box.removesuffix("x")
        await pass_time(5)
        assert desk.claude.submitted == ["[22:13 tg] pay 100"]

    story(tell)


def test_words_beside_ours_are_told_as_what_it_waits_for() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: setattr(desk.claude, "box", desk.claude.box + "wait")
        desk.send("hello")
        await pass_time(30)
        assert desk.dispatcher.status()["hold"] == "draft in the input box"
        assert desk.store.states[-1] == ("idle", "draft in the input box")

    story(tell)


def test_a_pause_also_keeps_a_text_that_stands_in_the_box_from_its_enter() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(1)
        desk.claude.on_paste = lambda: setattr(desk.claude, "box", desk.claude.box + "wait")
        desk.send("hello")
        await pass_time(5)
        await desk.dispatcher.pause()
        desk.claude.box = desk.claude.box.removesuffix("wait")
        await pass_time(60)
        assert "Enter" not in desk.claude.keys
        assert desk.dispatcher.status()["hold"] == "paused"
        await desk.dispatcher.resume()
        await pass_time(2)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)


def test_a_batch_that_is_being_settled_is_told_as_what_it_waits_for() -> None:
    def before(desk: Desk) -> None:
        left_typing(desk)
        desk.claude.box = "[22:13 tg] hello and more"

    async def tell(desk: Desk) -> None:
        desk.running()
        await pass_time(30)
        assert desk.dispatcher.status()["hold"] == "draft in the input box"
        assert desk.claude.keys == []

    story(tell, before=before)


def test_a_background_command_of_claudes_holds_nothing() -> None:
    async def tell(desk: Desk) -> None:
        desk.running()
        desk.claude.status("shell")
        desk.send("hello")
        await pass_time(2)
        assert desk.claude.submitted == ["[22:13 tg] hello"]

    story(tell)
