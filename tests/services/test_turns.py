"""Every turn is recorded once, and the messages it carried are settled first, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.messages import MessageState
from ccmux.core.observation import (
    CaughtUp,
    HookEvent,
    HookSeen,
    ProcessSeen,
    PromptBlocked,
    PromptSeen,
    RegistryEntry,
    RegistrySeen,
    SessionSeen,
    Sighting,
    TurnSeen,
)
from ccmux.core.turns import SILENCE_S
from ccmux.ports import HostedSession
from ccmux.services.hub import Hub, QueueEar
from ccmux.services.turns import Turns
from tests.services.fakes import FakeClock, FakeTail, FakeTurnStore, Killed
from tests.virtual_time import run

START = 1_000_000.0
A = SessionSeen(session_id="A", transcript_path="/a.jsonl")
B = SessionSeen(session_id="B", transcript_path="/b.jsonl")
HOSTED = HostedSession(session_id="A", transcript_path="/a.jsonl", spoken=False, offset=0)


def line(at: float = START, **record: Any) -> bytes:
    record["timestamp"] = datetime.fromtimestamp(at, tz=UTC).isoformat()
    return json.dumps(record).encode()


def ask(prompt_id: str, text: str, at: float = START) -> bytes:
    return line(at, type="user", uuid=f"u-{text}", promptId=prompt_id, message={"content": text})


def said(text: str, at: float = START, stop: str | None = "end_turn") -> bytes:
    block = {"type": "text", "text": text}
    message = {"id": f"m-{text}", "model": "opus", "content": [block], "stop_reason": stop}
    return line(at, type="assistant", uuid=f"a-{text}", message=message)


def closed(at: float = START) -> bytes:
    return line(at, type="system", subtype="turn_duration")


def written(*records: bytes) -> bytes:
    return b"".join(record + b"\n" for record in records)


TURN = [ask("p", "hello"), said("hi"), closed()]


def hook(name: str, session: SessionSeen = A, at: float = START, **payload: Any) -> HookSeen:
    event = HookEvent(
        name=name,
        session_id=session.session_id,
        transcript_path=session.transcript_path,
        prompt_id=payload.pop("prompt_id", None),
        at=at,
        in_subagent=payload.pop("in_subagent", False),
        payload=payload,
    )
    return HookSeen(event=event)


def registry(status: str, since: float, session_id: str = "A") -> RegistrySeen:
    entry = RegistryEntry(pid=7, session_id=session_id, status=status, waiting_for="", updated_at=since)
    return RegistrySeen(entry=entry)


class House:
    """The service among fakes; `pass_s` lets time go by."""

    def __init__(self, store: FakeTurnStore, tail: FakeTail) -> None:
        self.store = store
        self.tail = tail
        self.hub = Hub()
        self.ear: QueueEar = self.hub.listen(PromptSeen, PromptBlocked, TurnSeen, CaughtUp)
        clock: Any = FakeClock(START)
        any_store: Any = store
        self.service = Turns(store=any_store, sightings=self.hub, tail=tail, clock=clock)

    async def pass_s(self, seconds: float = 0.1) -> None:
        await asyncio.sleep(seconds)

    async def tell(self, *sightings: Sighting) -> None:
        for sighting in sightings:
            self.hub.tell(sighting)
        await self.pass_s()

    async def write(self, session: SessionSeen, *lines: bytes) -> None:
        self.tail.append(session.transcript_path, *lines)
        await self.pass_s()

    def outcomes(self) -> list[tuple[str, str, str]]:
        return [(turn.session_id, turn.prompt_id, turn.fields["outcome"]) for turn in self.store.turns]

    def heard(self, kind: type[Sighting]) -> list[Sighting]:
        return [sighting for sighting in self.ear.drain() if isinstance(sighting, kind)]


def live(
    story: Callable[[House], Awaitable[None]],
    *,
    hosted: HostedSession | None = HOSTED,
    store: FakeTurnStore | None = None,
    files: dict[str, bytes] | None = None,
    told_before: Sequence[Sighting] = (),
    pause_s: float = 0.0,
) -> FakeTurnStore:
    """Run one life of the service and tell its story; returns what is on disk after it."""
    store = store or FakeTurnStore(hosted)

    async def life() -> None:
        tail = FakeTail()
        tail.files |= files or {}
        tail.pause_s = pause_s
        house = House(store, tail)
        for sighting in told_before:
            house.hub.tell(sighting)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(house.service.run(), name="turns")
            await house.pass_s()
            await story(house)
            task.cancel()

    run(life())
    return store


def test_a_turn_is_recorded_and_told() -> None:
    async def story(house: House) -> None:
        assert house.heard(CaughtUp) == [CaughtUp()]
        await house.write(A, *TURN)
        assert house.outcomes() == [("A", "p", "finished")]
        assert house.ear.drain() == [
            PromptSeen(session_id="A", prompt_id="p", text="hello"),
            TurnSeen(session_id="A", prompt_id="p", at=START),
        ]
        assert house.store.session is not None
        assert house.store.session.spoken
        assert house.store.session.offset == len(house.tail.files["/a.jsonl"])

    live(story)


def test_a_first_prompt_is_remembered_before_its_turn_ends() -> None:
    async def story(house: House) -> None:
        await house.write(A, b"{}", ask("p", "hello"), said("hi"))
        assert house.store.session == HostedSession(
            session_id="A", transcript_path="/a.jsonl", spoken=True, offset=3
        )

    live(story)


def test_a_turn_that_ended_while_the_daemon_was_down_is_recorded_at_start() -> None:
    async def first(house: House) -> None:
        await house.write(A, ask("p", "hello"), said("let me", stop="tool_use"))

    async def second(house: House) -> None:
        assert house.outcomes() == [("A", "p", "finished")]
        texts = [block["text"] for block in house.store.turns[0].fields["turn"]]
        assert texts == ["let me", "hi"]
        assert [type(one) for one in house.ear.drain()] == [PromptSeen, TurnSeen, CaughtUp]

    store = live(first)
    before = [ask("p", "hello"), said("let me", stop="tool_use")]
    content = b"\n".join([*before, said("hi"), closed()]) + b"\n"
    live(second, store=store, files={"/a.jsonl": content})


def test_what_was_recorded_is_not_read_again() -> None:
    async def first(house: House) -> None:
        await house.write(A, *TURN)

    async def second(house: House) -> None:
        assert house.tail.opened == [("/a.jsonl", len(content))]
        assert house.ear.drain() == [CaughtUp()]
        assert len(house.store.turns) == 1

    content = written(*TURN)
    live(second, store=live(first), files={"/a.jsonl": content})


STEPS = ["hosted", "host", "expected", "in_flight", "move", "finish_turn"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_between_any_two_steps_it_still_records_once(step: str) -> None:
    store = FakeTurnStore(HOSTED)
    store.type(1, "[10:00 default] hello")
    records = [ask("p", "[10:00 default] hello"), said("hi"), closed()]
    content = written(*records)
    store.dies_before = step

    async def nothing(house: House) -> None:
        await house.pass_s(1.0)

    with pytest.raises(BaseException) as killed:
        live(nothing, store=store, files={"/a.jsonl": content})
    assert isinstance(killed.value, Killed) or killed.group_contains(Killed)

    live(nothing, store=store, files={"/a.jsonl": content})
    assert [turn.prompt_id for turn in store.turns] == ["p"]
    assert store.states[1] == (MessageState.ANSWERED, "p")


def test_a_message_whose_hook_was_lost_is_answered_by_its_turn() -> None:
    async def story(house: House) -> None:
        house.store.type(1, "[10:00 default] hello")
        house.store.type(2, "[10:00 default] another")
        await house.write(A, ask("p", "[10:00 default] hello"))
        assert house.store.states[1] == (MessageState.STARTED, "p")
        await house.write(A, said("hi"), closed())
        assert house.store.states == {1: (MessageState.ANSWERED, "p"), 2: (MessageState.TYPING, None)}

    live(story)


def test_the_log_tells_which_turn_a_message_went_into_and_how_that_ended() -> None:
    async def story(house: House) -> None:
        house.store.type(1, "[10:00 default] hello")
        await house.write(A, ask("p", "[10:00 default] hello"), said("hi"), closed())

    with capture_logs() as logs:
        live(story)
    facts = [{key: line[key] for key in ("event", "turn_id", "message_ids") if key in line} for line in logs]
    assert {"event": "messages started", "turn_id": "p", "message_ids": (1,)} in facts
    assert {"event": "turn finished", "turn_id": "p"} in facts
    assert not any("hello" in str(line) for line in logs)


def test_the_hooks_word_and_the_transcripts_are_one() -> None:
    async def story(house: House) -> None:
        house.store.type(1, "[10:00 default] hello", prompt_id="q")
        house.store.type(2, "[10:00 default] hello", prompt_id="p")
        await house.write(A, ask("p", "[10:00 default] hello"))
        assert house.store.states[1] == (MessageState.SUBMITTED, "q")
        assert house.store.states[2] == (MessageState.STARTED, "p")

    live(story)


def test_of_two_messages_alike_the_older_is_meant_and_once() -> None:
    async def first(house: House) -> None:
        house.store.type(1, "[10:00 default] hello")
        house.store.type(2, "[10:00 default] hello")
        await house.write(A, ask("p", "[10:00 default] hello"))

    async def second(house: House) -> None:
        assert house.store.states[1] == (MessageState.STARTED, "p")
        assert house.store.states[2] == (MessageState.TYPING, None)

    content = ask("p", "[10:00 default] hello") + b"\n"
    live(second, store=live(first), files={"/a.jsonl": content})


def test_two_batches_within_one_prompt_are_both_carried() -> None:
    async def story(house: House) -> None:
        house.store.type(1, "[10:00 default] one")
        house.store.type(2, "[10:01 default] two")
        await house.write(A, ask("p", "[10:00 default] one\n[10:01 default] two"))
        assert {state for state, _ in house.store.states.values()} == {MessageState.STARTED}

    live(story)


def test_an_interrupted_turn_ends_by_silence_once_the_registry_is_idle() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"))
        await house.tell(registry("busy", START))
        await house.pass_s(3600)
        assert house.outcomes() == []
        await house.tell(registry("idle", START + 3600, session_id="another"))
        await house.pass_s(SILENCE_S * 2)
        assert house.outcomes() == []
        await house.tell(registry("idle", START + 3600))
        await house.pass_s(SILENCE_S)
        assert house.outcomes() == [("A", "p", "interrupted")]
        (seen,) = house.heard(TurnSeen)
        assert isinstance(seen, TurnSeen)
        assert seen.at > START + 3600

    live(story)


def test_a_stop_is_believed_when_its_words_are_read() -> None:
    async def story(house: House) -> None:
        stop = hook("Stop", prompt_id="p", at=START + 1, last_assistant_message="hi")
        await house.tell(hook("Stop", prompt_id="p", in_subagent=True, last_assistant_message="hi"))
        await house.tell(stop, stop, hook("Stop", B, prompt_id="p"))
        await house.write(A, ask("p", "hello"), said("hi"))
        await house.pass_s(5)
        assert house.outcomes() == [("A", "p", "finished")]

    live(story)


def test_a_prompt_that_a_hook_forbade_is_told() -> None:
    async def story(house: House) -> None:
        await house.tell(A)
        ending = {"ending": {"kind": "blocked_by_hook", "reason": "no"}, "promptKept": False}
        text, reason = "Original prompt: hello", "UserPromptSubmit: blocked by hook: no"
        await house.write(A, line(type="system", content=text, promptSubmitEnding=ending))
        assert house.heard(PromptBlocked) == [
            PromptBlocked(session_id="A", text=text, reason=reason, at=START)
        ]

    assert live(story).turns == []


def test_a_subagents_stop_is_not_claudes() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"), said("hi"))
        await house.tell(
            hook("Stop", prompt_id="p", at=START + 1, in_subagent=True, last_assistant_message="hi")
        )
        await house.pass_s(3600)
        assert house.outcomes() == []

    live(story)


def test_a_failure_is_recorded_as_one() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"))
        await house.tell(
            hook("StopFailure", prompt_id="p", at=START + 1, last_assistant_message="API Error: 400 bad")
        )
        await house.write(A, said("API Error: 400 bad", stop="stop_sequence"))
        assert house.outcomes() == [("A", "p", "failed")]

    live(story)


def test_a_crash_ends_the_turn() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"), said("let me", stop="tool_use"))
        await house.tell(ProcessSeen(pid=None))
        await house.pass_s(2)
        assert house.outcomes() == [("A", "p", "crashed")]
        [turn] = house.store.turns
        assert turn.continuation is not None
        assert turn.continuation.key == "continue-p"

    live(story)


@pytest.mark.parametrize("reason", ["prompt_input_exit", "other", "clear"])
def test_what_a_person_ended_is_not_gone_on_with(reason: str) -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"), said("let me", stop="tool_use"))
        await house.tell(hook("SessionEnd", at=START + 1, reason=reason), ProcessSeen(pid=None))
        await house.pass_s(2)
        [turn] = house.store.turns
        assert (turn.continuation is None) == (reason == "prompt_input_exit")

    live(story)


def test_an_exit_of_long_ago_or_elsewhere_says_nothing() -> None:
    async def story(house: House) -> None:
        await house.tell(hook("SessionEnd", at=START - 1, reason="prompt_input_exit"))
        await house.write(A, ask("p", "hello"), said("let me", stop="tool_use"))
        await house.tell(ProcessSeen(pid=None))
        await house.pass_s(2)
        await house.tell(hook("SessionEnd", B, at=START + 9, reason="prompt_input_exit"))
        await house.write(A, ask("q", "again", at=START + 5), said("let me", at=START + 5, stop="tool_use"))
        await house.pass_s(2)
        assert [turn.continuation is None for turn in house.store.turns] == [False, False]

    live(story)


def test_only_what_crashed_is_gone_on_with() -> None:
    async def story(house: House) -> None:
        await house.write(A, *TURN)
        assert [turn.continuation for turn in house.store.turns] == [None]

    live(story)


def test_where_nobody_wants_it_nothing_is_gone_on_with() -> None:
    async def story(house: House) -> None:
        house.service._continue_crashed = False
        await house.write(A, ask("p", "hello"))
        await house.tell(ProcessSeen(pid=None))
        await house.pass_s(2)
        assert [turn.continuation for turn in house.store.turns] == [None]

    live(story)


def test_a_turn_older_than_the_process_that_runs_now_has_crashed() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"), said("let me", stop="tool_use"))
        await house.tell(ProcessSeen(pid=8, started_at=START + 10))
        await house.pass_s(2)
        assert house.outcomes() == [("A", "p", "crashed")]

    live(story)


def test_clear_finishes_the_old_transcript_and_goes_on_with_the_new() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"))
        await house.tell(B, hook("SessionStart", B, at=START, source="clear"), B)
        await house.write(A, said("hi"), closed())
        await house.write(B, ask("q", "you"), said("me"), closed())
        await house.pass_s(5)
        assert house.outcomes() == [("A", "p", "finished"), ("B", "q", "finished")]
        assert house.store.session is not None
        assert house.store.session.session_id == "B"
        await house.write(B, ask("r", "more"), said("again"), closed())
        assert house.outcomes()[2:] == [("B", "r", "finished")]

    live(story)


def test_a_turn_left_open_by_clear_is_recorded_before_the_new_session_is_hosted() -> None:
    async def story(house: House) -> None:
        await house.write(A, ask("p", "hello"))
        await house.tell(B, hook("SessionStart", B, source="clear"))
        house.store.dies_before = "host"
        await house.pass_s(5)

    store = FakeTurnStore(HOSTED)
    with pytest.raises(BaseException) as killed:
        live(story, store=store)
    assert isinstance(killed.value, Killed) or killed.group_contains(Killed)
    assert [(turn.prompt_id, turn.fields["outcome"]) for turn in store.turns] == [("p", "interrupted")]


def test_sessions_passed_through_while_the_daemon_was_down_are_all_read() -> None:
    async def story(house: House) -> None:
        await house.tell(B, hook("SessionStart", B, source="clear"))
        third = SessionSeen(session_id="C", transcript_path="/c.jsonl")
        await house.tell(third, hook("SessionStart", third, source="clear"), registry("idle", START, "C"))
        await house.pass_s(10)
        assert house.outcomes() == [("A", "p", "finished"), ("B", "q", "finished"), ("C", "r", "finished")]

    turns = {
        "/a.jsonl": TURN,
        "/b.jsonl": [ask("q", "b"), said("hi"), closed()],
        "/c.jsonl": [ask("r", "c"), said("hi"), closed()],
    }
    files = {path: written(*records) for path, records in turns.items()}
    live(story, files=files)


@pytest.mark.parametrize("source", ["resume", "fork"])
def test_the_history_of_a_resumed_conversation_is_not_told_again(source: str) -> None:
    async def story(house: House) -> None:
        await house.tell(B, hook("SessionStart", B, at=START + 50, source=source))
        await house.pass_s(60)
        await house.write(B, ask("old", "new", at=START + 60), said("me", at=START + 61), closed(START + 62))
        assert house.outcomes() == [("B", "old", "finished")]
        assert [one.text for one in house.heard(PromptSeen) if isinstance(one, PromptSeen)] == ["new"]

    old = [ask("old", "history"), said("long ago"), closed()]
    live(story, files={"/b.jsonl": written(*old)})


def test_of_a_conversation_whose_beginning_nobody_told_only_what_is_new_counts() -> None:
    async def story(house: House) -> None:
        await house.tell(B)
        await house.pass_s(10)
        assert house.outcomes() == [("B", "new", "finished")]

    history = [ask("old", "history", at=START - 9999), closed(START - 9999)]
    records = [*history, ask("new", "new"), said("me"), closed()]
    live(story, files={"/b.jsonl": written(*records)})


@pytest.mark.parametrize(
    "hosted", [None, HostedSession(session_id="A", transcript_path="", spoken=False, offset=0)]
)
def test_the_first_session_is_read_from_its_start(hosted: HostedSession | None) -> None:
    async def story(house: House) -> None:
        assert house.ear.drain() == []
        await house.tell(
            RegistrySeen(entry=None), ProcessSeen(pid=7), A, hook("SessionStart", at=START, source="startup")
        )
        assert house.heard(CaughtUp) == [CaughtUp()]
        await house.write(A, *TURN)
        assert house.outcomes() == [("A", "p", "finished")]
        assert house.store.session is not None
        assert house.store.session.transcript_path == "/a.jsonl"

    live(story, hosted=hosted)


def test_a_session_that_somebody_else_hosts_by_now_is_not_brought_back() -> None:
    async def story(house: House) -> None:
        other = HostedSession(session_id="C", transcript_path="", spoken=False, offset=0)
        house.store.session = other
        await house.write(A, *TURN)
        assert house.store.session == other

    live(story)


def test_nothing_is_concluded_from_a_silence_of_our_own() -> None:
    async def story(house: House) -> None:
        await house.pass_s(8)
        await house.tell(registry("idle", START - 5, session_id="another"))
        await house.pass_s(60)
        assert house.outcomes() == [("A", "p", "finished")]

    live(story, files={"/a.jsonl": written(*TURN)}, told_before=[ProcessSeen(pid=None)], pause_s=5)


def test_an_old_transcript_is_not_left_in_the_middle_of_reading_it() -> None:
    async def story(house: House) -> None:
        await house.tell(B, hook("SessionStart", B, source="clear"))
        house.tail.pause_s = 0.5
        await house.write(A, b"{}", b"{}", *TURN)
        await house.pass_s(0.6)
        house.tail.pause_s = 5
        await house.pass_s(3)
        await house.tell(registry("idle", START - 5))
        await house.pass_s(60)
        assert house.outcomes() == [("A", "p", "finished")]

    live(story)


def test_an_old_transcript_is_read_until_nothing_comes_any_more() -> None:
    async def story(house: House) -> None:
        await house.tell(B, hook("SessionStart", B, source="clear"))
        for _ in range(5):
            await house.pass_s(0.7)
            await house.write(A, b"{}")
        await house.write(A, *TURN)
        assert house.outcomes() == [("A", "p", "finished")]

    live(story)


def test_all_is_read_only_when_every_session_is() -> None:
    async def story(house: House) -> None:
        await house.pass_s(5)
        assert [type(one) for one in house.ear.drain()] == [PromptSeen, TurnSeen, CaughtUp]

    live(story, files={"/b.jsonl": written(*TURN)}, told_before=[B, hook("SessionStart", B, source="clear")])


def test_how_a_session_began_is_heard_before_it_is_read() -> None:
    async def story(house: House) -> None:
        await house.pass_s(5)
        assert house.outcomes() == []

    resumed = hook("SessionStart", B, at=START + 50, source="resume")
    live(story, hosted=None, files={"/b.jsonl": written(*TURN)}, told_before=[B, resumed])


def test_what_was_heard_of_a_session_before_its_turn_to_be_read_counts() -> None:
    async def story(house: House) -> None:
        await house.tell(
            B,
            hook("SessionStart", B, source="clear"),
            hook("Stop", B, at=START + 1, prompt_id="p", last_assistant_message="hi"),
        )
        await house.pass_s(10)
        assert house.outcomes() == [("B", "p", "finished")]

    live(story, files={"/b.jsonl": written(*TURN[:2])})
