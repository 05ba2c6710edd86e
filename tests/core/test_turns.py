from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.transcript import (
    AssistantBlocks,
    Block,
    Interrupted,
    Prompt,
    Record,
    ToolResult,
    TurnClosed,
    read_record,
)
from ccmux.core.turns import (
    SETTLE_S,
    SILENCE_S,
    News,
    ProcessGone,
    ProcessStarted,
    PromptRead,
    SessionLeft,
    Signal,
    StatusSeen,
    Stopped,
    TurnAssembler,
    TurnEnded,
)

CORPUS = Path(__file__).parent.parent / "corpus" / "transcripts"
LINE = 10
"""Every line of these stories is so many bytes long."""


def ask(prompt_id: str | None, text: str = "hi", at: float = 100.0, **more: Any) -> Prompt:
    return Prompt(uuid=f"u-{text}", at=at, prompt_id=prompt_id, text=text, **more)


def said(text: str, *, stop: str | None = "end_turn", message: str = "", **more: Any) -> AssistantBlocks:
    answer = AssistantBlocks(
        uuid=f"a-{text}",
        at=101.0,
        message_id=message or f"m-{text}",
        request_id="",
        model="opus",
        blocks=({"type": "text", "text": text},),
        usage={"output_tokens": 5},
        stop_reason=stop,
        error=False,
    )
    return replace(answer, **more)


CALL: Block = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
RESULT: Block = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
CALLED = said("", stop="tool_use", message="m1", blocks=(CALL,))
ANSWERED = ToolResult(uuid="r", at=102.0, blocks=(RESULT,))
ERROR = said("API Error: 400 bad", stop="stop_sequence", error=True, model="")
CLOSED = TurnClosed(at=103.0)
ESC = Interrupted(at=103.0)
IDLE = StatusSeen(idle=True, since=104.0)
BUSY = StatusSeen(idle=False, since=100.0)


def stopped(prompt_id: str | None, text: str, at: float = 103.0, *, failed: bool = False) -> Stopped:
    return Stopped(prompt_id=prompt_id, at=at, said=text, failed=failed)


@dataclass(frozen=True)
class Pass:
    """So many seconds in which nothing happens."""

    seconds: float


Step = Record | None | Signal | Pass
RECORDS = (Prompt, AssistantBlocks, ToolResult, Interrupted, TurnClosed)

SIGNALS = (Stopped, StatusSeen, ProcessStarted, ProcessGone, SessionLeft)


def is_record(step: Step) -> TypeGuard[Record | None]:
    return step is None or isinstance(step, RECORDS)


def tell(steps: Iterable[Step], assembler: TurnAssembler | None = None) -> list[News]:
    """Return what a story says, told on a clock of its own."""
    assembler = assembler or TurnAssembler()
    told: list[News] = []
    now_s, offset = 0.0, assembler.resume_offset
    for step in steps:
        if is_record(step):
            offset += LINE
            told += assembler.read(offset, step, now_s=now_s)
        elif isinstance(step, Pass):
            now_s += step.seconds
            told += assembler.look(now_s=now_s)
        elif isinstance(step, SIGNALS):
            told += assembler.hear(step, now_s=now_s)
    return told


def turns(news: Iterable[News]) -> Iterator[TurnEnded]:
    return (one for one in news if isinstance(one, TurnEnded))


def shape(news: Iterable[News]) -> list[tuple[str, str]]:
    return [(turn.prompt_id, turn.fields["outcome"]) for turn in turns(news)]


SETTLED = Pass(SETTLE_S)
SILENT = Pass(SILENCE_S)
NEARLY = Pass(SILENCE_S - 0.01)

STORIES: dict[str, tuple[list[Step], list[tuple[str, str]]]] = {
    "the transcript's own mark ends a turn": ([ask("p"), said("hey"), CLOSED], [("p", "finished")]),
    "both marks are one end": ([ask("p"), said("hey"), CLOSED, CLOSED], [("p", "finished")]),
    "an open turn is not told": ([ask("p"), said("hey"), Pass(1e6)], []),
    "an interruption is recorded": ([ask("p"), said("h", stop=None), ESC], [("p", "interrupted")]),
    "what follows an end of nothing says nothing": ([CLOSED, ESC, ANSWERED, None], []),
    "an Esc before the first word leaves no record, only an idle registry": (
        [ask("p"), BUSY, Pass(60), IDLE, SILENT],
        [("p", "interrupted")],
    ),
    "idle is not believed at once: records lag": ([ask("p"), BUSY, Pass(60), IDLE, NEARLY], []),
    "an idle from before the turn is old news": ([IDLE, ask("p", at=200.0), Pass(1e6)], []),
    "the next prompt ends a turn that Esc had ended": (
        [ask("p"), ask("q"), said("hey"), CLOSED],
        [("p", "interrupted"), ("q", "finished")],
    ),
    "the next prompt ends a turn whose Stop was lost": (
        [ask("p"), said("hey"), ask("q"), said("you"), CLOSED],
        [("p", "finished"), ("q", "finished")],
    ),
    "an answer that was cut off in the middle of a tool is no finished one": (
        [ask("p"), CALLED, ask("q"), said("hey"), CLOSED],
        [("p", "interrupted"), ("q", "finished")],
    ),
    "Stop, its words read, then silence": (
        [ask("p"), said("hey"), stopped("p", "hey"), SETTLED],
        [("p", "finished")],
    ),
    "Stop before its records": (
        [stopped("p", "hey"), ask("p"), said("hey"), SETTLED, CLOSED],
        [("p", "finished")],
    ),
    "Stop waits for its words": ([ask("p"), stopped("p", "hey"), Pass(SILENCE_S - 0.01)], []),
    "Stop does not wait for ever": ([ask("p"), stopped("p", "hey"), SILENT], [("p", "finished")]),
    "Stop means nothing while the registry says busy: another Stop hook is at work": (
        [ask("p"), BUSY, said("hey"), stopped("p", "hey"), Pass(1e6)],
        [],
    ),
    "Stop is lost": ([ask("p"), BUSY, said("hey"), IDLE, SILENT], [("p", "finished")]),
    "two Stops and the mark are one turn": (
        [
            ask("p"),
            said("hey"),
            stopped("p", "hey"),
            stopped("p", "hey"),
            CLOSED,
            stopped("p", "hey"),
            SILENT,
        ],
        [("p", "finished")],
    ),
    "a Stop hook sends Claude on": (
        [
            ask("p"),
            said("hey"),
            stopped("p", "hey"),
            ask("p", "Stop hook feedback", meta=True),
            Pass(SETTLE_S),
            stopped("p", "hey"),
            Pass(1e6),
            said("hey", message="second"),
            stopped("p", "hey", at=104.0),
            SETTLED,
            CLOSED,
        ],
        [("p", "finished")],
    ),
    "a Stop of an old CLI means the open turn": (
        [stopped(None, "hey"), ask(None, "a"), said("hey"), stopped(None, "hey"), SETTLED],
        [("u-a", "finished")],
    ),
    "a Stop of another turn says nothing": ([ask("p"), said("hey"), stopped("q", "hey"), Pass(1e6)], []),
    "a failure ends when its words were read": (
        [ask("p"), stopped("p", "API Error: 400 bad", failed=True), ERROR],
        [("p", "failed")],
    ),
    "a failure's record comes first": (
        [ask("p"), ERROR, stopped("p", "API Error: 400 bad", failed=True), CLOSED],
        [("p", "failed")],
    ),
    "a failure whose hook was lost": (
        [ask("p"), ERROR, ask("q"), said("hey"), CLOSED],
        [("p", "failed"), ("q", "finished")],
    ),
    "a failure without a text waits": (
        [ask("p"), stopped("p", "", failed=True), NEARLY, ERROR, SILENT, CLOSED],
        [("p", "failed")],
    ),
    "the process is gone": ([ask("p"), CALLED, ProcessGone(), ProcessGone(), SETTLED], [("p", "crashed")]),
    "the process is gone while it is thought busy": (
        [ask("p"), BUSY, CALLED, Pass(50), ProcessGone(), SETTLED],
        [("p", "crashed")],
    ),
    "records lag behind a crash": (
        [ask("p"), Pass(50), ProcessGone(), said("hey"), CLOSED],
        [("p", "finished")],
    ),
    "the answer was whole before the crash": (
        [ask("p"), said("hey"), ProcessGone(), SETTLED],
        [("p", "finished")],
    ),
    "another process runs now": (
        [ask("p"), CALLED, Pass(50), ProcessStarted(at=150.0), ProcessStarted(at=150.0), SETTLED],
        [("p", "crashed")],
    ),
    "the process that runs the turn is no crash": ([ProcessStarted(at=50.0), ask("p"), Pass(1e6)], []),
    "a process came back before the turn": (
        [ProcessGone(), ProcessStarted(at=50.0), ask("p"), Pass(1e6)],
        [],
    ),
    "a turn of unknown age is not older than the process": (
        [ask("p", at=0.0), ProcessStarted(at=150.0), Pass(1e6)],
        [],
    ),
    "a Stop that came late is not the next turn's of that id": (
        [
            ask("p"),
            said("hey"),
            CLOSED,
            stopped("p", "hey"),
            ask("p", "feedback", at=105.0, meta=True),
            said("hey"),
            Pass(1e6),
        ],
        [("p", "finished")],
    ),
    "a prompt after a crash finds the old turn crashed": (
        [ask("p"), ProcessGone(), ProcessStarted(at=150.0), ask("q", at=151.0), CLOSED, SETTLED],
        [("p", "crashed"), ("q", "finished")],
    ),
    "Claude left for another session": (
        [ask("p"), CALLED, Pass(50), SessionLeft(), SessionLeft(), SETTLED],
        [("p", "interrupted")],
    ),
    "a notification starts a turn": (
        [ask("n", "<task-notification>", meta=True), said("done"), CLOSED],
        [("n", "finished")],
    ),
    "a turn without any prompt has its first record's id": (
        [said("out of the blue"), CLOSED, SETTLED],
        [("a-out of the blue", "finished")],
    ),
    "the first answer of a file is written before its prompt (2.1.300)": (
        [said("hey"), None, ask("p"), CLOSED, ask("q", at=105.0), said("you", at=106.0), CLOSED],
        [("p", "finished"), ("q", "finished")],
    ),
    "the same, its Stop heard between them": (
        [CALLED, ANSWERED, said("hey"), stopped("p", "hey"), ask("p"), SETTLED],
        [("p", "finished")],
    ),
    "the same under an id whose turn was told, or without one": (
        [
            ask("p"),
            said("a"),
            CLOSED,
            said("hey"),
            ask("p", "late"),
            CLOSED,
            said("you"),
            ask(None, "b"),
            CLOSED,
        ],
        [("p", "finished"), ("u-late", "finished"), ("u-b", "finished")],
    ),
    "its mark is written before both (2.1.300)": (
        [CLOSED, ask("p"), stopped("p", "hey"), CLOSED, NEARLY, said("hey"), ask("q"), said("you"), CLOSED],
        [("p", "finished"), ("q", "finished")],
    ),
    "its mark is written before both, and Stop is heard last": (
        [CLOSED, ask("p"), CLOSED, said("hey"), stopped("p", "hey"), ask("q"), said("you"), CLOSED],
        [("p", "finished"), ("q", "finished")],
    ),
    "its mark is written before both, and Stop is lost": (
        [CLOSED, ask("p"), CLOSED, BUSY, said("hey"), SETTLED],
        [("p", "finished")],
    ),
    "its mark is written between both": ([said("hey"), CLOSED, ask("p")], [("p", "finished")]),
    "a mark waits for the words of the Stop, but not for ever": (
        [ask("p"), said("look"), stopped("p", "hey"), CLOSED, NEARLY, ask("q"), CLOSED, SILENT],
        [("p", "finished"), ("q", "finished")],
    ),
    "a prompt that is younger than an answer nobody asked for is the next turn's": (
        [said("out of the blue"), ask("p", at=102.0), said("hey", at=103.0), CLOSED],
        [("a-out of the blue", "finished"), ("p", "finished")],
    ),
    "a record without any id has its place": ([ask(None, "", at=0.0), CLOSED, SETTLED], [("u-", "finished")]),
    "a local command is no turn": (
        [ask("c", "<command-name>", meta=True), ask("c", "<local-command-stdout>", meta=True), IDLE, SILENT],
        [],
    ),
    "a local command without an id joins what is open": (
        [ask("p"), ask(None, "<local-command-caveat>", meta=True), said("hey"), CLOSED],
        [("p", "finished")],
    ),
    "a prompt typed meanwhile is taken into the turn": (
        [ask("p"), CALLED, ANSWERED, ask(None, "and this", queued=True), said("hey"), CLOSED],
        [("p", "finished")],
    ),
    "one id for two prompts is two turns: a fork stamps its history so": (
        [ask("p", "one"), ask("p", "two"), said("hey"), CLOSED],
        [("p", "interrupted"), ("u-two", "finished")],
    ),
    "Claude goes on under an id whose turn was told": (
        [ask("p"), said("hey"), CLOSED, ask("p", "feedback", meta=True), said("again"), CLOSED],
        [("p", "finished"), ("u-feedback", "finished")],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), STORIES.values(), ids=STORIES.keys())
def test_stories(steps: list[Step], expected: list[tuple[str, str]]) -> None:
    assert shape(tell(steps)) == expected


@pytest.mark.parametrize("steps", [steps for steps, _ in STORIES.values()], ids=STORIES.keys())
def test_hooks_told_twice_change_nothing(steps: list[Step]) -> None:
    twice = [copy for step in steps for copy in ([step, step] if isinstance(step, Stopped) else [step])]
    assert tell(twice) == tell(steps)


NEEDS_MEMORY = (
    "a Stop hook sends Claude on",
    "a Stop of an old CLI",
    "one id for two prompts",
    "the same under an id",
    "Claude goes on under an id",
    "a Stop that came late",
)
"""Stories whose second half only one who heard the first half understands."""


@pytest.mark.parametrize("name", [name for name in STORIES if not name.startswith(NEEDS_MEMORY)])
def test_a_reader_that_starts_again_anywhere_tells_the_same_turns(name: str) -> None:
    steps, expected = STORIES[name]
    for cut in range(len(steps)):
        before = [step for step in steps[:cut] if is_record(step)]
        # What was seen beside the transcript is seen again: hooks wait on disk, the registry stands.
        signals = [step for step in steps[:cut] if not (is_record(step) or isinstance(step, Pass))]
        first = TurnAssembler()
        told = shape(tell(steps[:cut], first))
        second = TurnAssembler(offset=first.resume_offset)
        unread = before[first.resume_offset // LINE :]
        told += shape(tell([*signals, *unread, *steps[cut:]], second))
        assert told == expected


def test_a_turn_is_told_with_all_its_blocks_and_its_usage_once_a_message() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "c2ln"}
    cache = {"a": 2, "b": 1.5}
    usage = {"output_tokens": 1, "service_tier": "standard", "cache": {"a": 1}, "fast": True}
    told = tell(
        [
            ask("p"),
            said("", stop=None, message="m1", blocks=(thought, hidden), usage=usage),
            said("look", stop="tool_use", message="m1", usage={**usage, "output_tokens": 7}),
            ANSWERED,
            said("done", message="m2", usage={"output_tokens": 3, "cache": cache}, model="sonnet"),
            said("!", message="m2", usage={"output_tokens": 4, "cache": cache}, model=""),
            CLOSED,
        ]
    )
    assert told[0] == PromptRead(prompt_id="p", text="hi")
    assert told[1] == TurnEnded(
        prompt_id="p",
        at=103.0,
        resume_offset=7 * LINE,
        fields={
            "turn": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "redacted_thinking"},
                {"type": "text", "text": "look"},
                RESULT,
                {"type": "text", "text": "done"},
                {"type": "text", "text": "!"},
            ],
            "usage": {"output_tokens": 11, "cache": {"a": 3, "b": 1.5}},
            "outcome": "finished",
            "model": "sonnet",
        },
    )


def test_a_turn_whose_prompt_is_written_late_has_its_words_and_its_prompt() -> None:
    disorders: list[list[Step]] = [
        [said("hey"), ask("p"), said("you"), CLOSED],
        [ask("p"), stopped("p", "you"), CLOSED, said("hey"), said("you")],
    ]
    for steps in disorders:
        told = tell(steps)
        assert told[0] == PromptRead(prompt_id="p", text="hi")
        (turn,) = turns(told)
        assert [block["text"] for block in turn.fields["turn"]] == ["hey", "you"]
        assert turn.resume_offset == len([step for step in steps if is_record(step)]) * LINE


def test_usage_of_odd_shape_is_summed_as_far_as_it_goes() -> None:
    told = tell(
        [ask("p"), said("a", usage={"x": 1, "y": {}}), said("b", usage={"x": {"z": 1}, "y": 2}), CLOSED]
    )
    assert next(turns(told)).fields["usage"] == {"x": {"z": 1}, "y": 2}


def test_a_failure_says_what_claude_code_shows() -> None:
    (turn,) = turns(tell([ask("p"), ERROR, CLOSED]))
    assert turn.fields["error"] == "API Error: 400 bad"
    assert turn.fields["model"] is None
    (turn,) = turns(tell([ask("p"), stopped("p", "gone", failed=True), SILENT]))
    assert turn.fields["error"] == "gone"
    (turn,) = turns(tell([ask("p"), ERROR, ask("q")]))
    assert turn.fields["error"] == "API Error: 400 bad"


def test_a_queued_prompt_is_read_in_its_turn_and_a_notification_is_no_prompt() -> None:
    told = tell([ask("p"), ask(None, "more", queued=True), ask("p", "feedback", meta=True)])
    assert told == [PromptRead(prompt_id="p", text="hi"), PromptRead(prompt_id="p", text="more")]


def test_reading_goes_on_at_the_open_turn_or_at_the_end() -> None:
    assembler = TurnAssembler(offset=50)
    assert assembler.resume_offset == 50
    tell([None, ask("p"), said("hey")], assembler)
    assert (assembler.resume_offset, assembler.is_open) == (60, True)
    tell_on = assembler.read(90, CLOSED, now_s=0.0)
    assert [turn.resume_offset for turn in turns(tell_on)] == [90]
    assert (assembler.resume_offset, assembler.is_open) == (90, False)


def test_a_turn_ended_by_the_next_prompt_ends_before_it() -> None:
    (turn,) = turns(tell([ask("p"), None, ask("q")]))
    assert turn.resume_offset == 2 * LINE


def test_records_of_another_life_are_not_told() -> None:
    assembler = TurnAssembler(since=100.0)
    old: list[Step] = [ask("p", at=90.0), replace(CLOSED, at=91.0)]
    new: list[Step] = [ask("p", "new", at=100.0), CLOSED, ask("q", "undated", at=0.0), CLOSED, SETTLED]
    assert shape(tell([*old, *new], assembler)) == [("p", "finished"), ("q", "finished")]
    assert assembler.last_at == 103.0


def test_a_replaced_file_is_read_anew_and_its_turns_have_their_names_again() -> None:
    assembler = TurnAssembler()
    steps: list[Step] = [ask("p"), said("hey"), CLOSED, ask("q")]
    first = tell(steps, assembler)
    again: list[News] = []
    for number, step in enumerate(steps, start=1):
        assert is_record(step)
        again += assembler.read(number * LINE, step, now_s=0.0)
    assert again == first


def test_memory_of_hooks_and_names_is_bounded() -> None:
    assembler = TurnAssembler()
    for number in range(1000):
        tell([stopped(f"x{number}", "hey"), ask(f"p{number}", at=0.0), CLOSED], assembler)
    assert len(assembler._stops) < 100
    assert len(assembler._over) < 1000


def test_nothing_is_due_without_a_turn() -> None:
    assembler = TurnAssembler()
    assert assembler.due_s() is None
    assert assembler.look(now_s=1e9) == []


def read_corpus(name: str) -> list[tuple[int, Record | None]]:
    offset, lines = 0, []
    for line in (CORPUS / name).read_bytes().splitlines(keepends=True):
        offset += len(line)
        lines.append((offset, read_record(line.rstrip(b"\n"))))
    return lines


def told_of(lines: Iterable[tuple[int, Record | None]], assembler: TurnAssembler) -> list[News]:
    return [news for offset, record in lines for news in assembler.read(offset, record, now_s=0.0)]


def outcomes(news: list[News]) -> list[tuple[str, str]]:
    asked = {one.prompt_id: one.text for one in reversed(news) if isinstance(one, PromptRead)}
    return [(asked.get(key, ""), outcome) for key, outcome in shape(news)]


def test_real_turns() -> None:
    told = told_of(read_corpus("turns.jsonl"), TurnAssembler())
    found = outcomes(told)
    assert ("hello there", "finished") in found
    assert ("work hard", "finished") in found
    assert ("wait 30", "interrupted") in found
    assert ("run sleep 1", "finished") in found
    assert ("fail", "failed") in found
    work = next(turn for turn in turns(told) if len(turn.fields["turn"]) == 5)
    kinds = [block["type"] for block in work.fields["turn"]]
    assert kinds == ["thinking", "text", "tool_use", "tool_result", "text"]
    assert "signature" not in work.fields["turn"][0]


def test_real_interruptions() -> None:
    found = outcomes(told_of(read_corpus("interrupts-and-resume.jsonl"), TurnAssembler()))
    assert found[:4] == [
        ("talk 1", "interrupted"),
        ("touch a1", "interrupted"),
        ("touch a2", "finished"),
        ("touch a3", "interrupted"),
    ]
    assert ("twice", "finished") in found
    assert ("hello resumed", "finished") in found


def test_real_failures_and_notices() -> None:
    told = told_of(read_corpus("errors-and-notices.jsonl"), TurnAssembler())
    found = outcomes(told)
    assert [(text, "failed") for text in ("api429", "api529", "api401")] == found[:3]
    assert found[3:] == [
        ("bgtask", "finished"),
        ("", "finished"),  # the end of the background command, which nobody asked about
        ("hello there", "finished"),
        ("after compact", "finished"),  # and /compact itself was no turn
    ]
    assert all(turn.fields["error"] for turn in list(turns(told))[:3])


def test_a_session_after_clear_begins_with_its_first_prompt() -> None:
    assert outcomes(told_of(read_corpus("after-clear.jsonl"), TurnAssembler())) == [
        ("after clear", "finished")
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.glob("*.jsonl")))
def test_a_real_transcript_read_in_two_lives_tells_the_same_turns(name: str) -> None:
    lines = read_corpus(name)
    whole = {turn.prompt_id: turn for turn in turns(told_of(lines, TurnAssembler()))}
    for cut in range(0, len(lines), 7):
        first = TurnAssembler()
        told = list(turns(told_of(lines[:cut], first)))
        rest = [line for line in lines if line[0] > first.resume_offset]
        told += turns(told_of(rest, TurnAssembler(offset=first.resume_offset)))
        assert {turn.prompt_id: turn for turn in told} == whole
        assert len(told) == len(whole)


RANDOM = st.one_of(
    st.builds(
        ask,
        st.sampled_from([None, "p", "q", "r"]),
        st.sampled_from(["one", "two", "three"]),
        meta=st.booleans(),
        queued=st.booleans(),
    ),
    st.builds(said, st.sampled_from(["hey", "you"]), stop=st.sampled_from([None, "end_turn", "tool_use"])),
    st.sampled_from([CALLED, ANSWERED, ERROR, CLOSED, ESC, IDLE, BUSY, None, ProcessGone(), SessionLeft()]),
    st.builds(stopped, st.sampled_from([None, "p", "q"]), st.sampled_from(["hey", ""]), failed=st.booleans()),
    st.builds(ProcessStarted, at=st.sampled_from([0.0, 50.0, 150.0])),
    st.sampled_from([SETTLED, SILENT, Pass(0.1)]),
)


@given(st.lists(RANDOM, max_size=30))
def test_whatever_comes_blocks_are_told_once_and_in_order(steps: list[Step]) -> None:
    told = tell([*steps, ask("the last", at=200.0)])
    blocks = [block for turn in turns(told) for block in turn.fields["turn"]]
    written = [b for step in steps if isinstance(step, AssistantBlocks | ToolResult) for b in step.blocks]
    results = [block for block in written if block is not RESULT]
    assert [block for block in blocks if block is not RESULT] == results
    offsets = [turn.resume_offset for turn in turns(told)]
    assert offsets == sorted(offsets)


@given(st.lists(RANDOM, max_size=30), st.integers(0, 30))
def test_whatever_comes_a_second_life_sees_the_open_turn_whole(steps: list[Step], cut: int) -> None:
    records = [step for step in steps if is_record(step)]
    cut = min(cut, len(records))
    first = TurnAssembler()
    tell(records[:cut], first)
    second = TurnAssembler(offset=first.resume_offset)
    tell(records[first.resume_offset // LINE : cut], second)
    assert second.resume_offset == first.resume_offset
    assert second.is_open == first.is_open
    rest = [*records[cut:], ask("the last"), CLOSED]
    # A second life does not know which names were used up, so only the names may differ.
    lives = [turns(tell_from(rest, life, cut)) for life in (first, second)]
    one, two = ([replace(turn, prompt_id="") for turn in life] for life in lives)
    assert one == two


def tell_from(steps: Iterable[Step], assembler: TurnAssembler, lines: int) -> list[News]:
    told: list[News] = []
    for number, step in enumerate(steps, start=lines + 1):
        assert is_record(step)
        told += assembler.read(number * LINE, step, now_s=0.0)
    return told
