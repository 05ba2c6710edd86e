from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.transcript import (
    AssistantBlocks,
    Interrupted,
    Prompt,
    Record,
    ToolResult,
    TurnClosed,
    read_blocked,
    read_record,
)

CORPUS = Path(__file__).parent.parent / "corpus" / "transcripts"
AT = "2026-11-20T13:46:30.442Z"
AT_S = 1795182390.442
INTERRUPTED = Interrupted(at=AT_S)
TEXT = {"type": "text", "text": "hello"}


def read(**record: Any) -> Record | None:
    return read_record(json.dumps(record, separators=(",", ":")).encode())


def user(content: Any, **more: Any) -> Record | None:
    return read(type="user", uuid="u", timestamp=AT, message={"role": "user", "content": content}, **more)


def assistant(message: Any, **more: Any) -> Record | None:
    return read(type="assistant", uuid="a", timestamp=AT, message=message, **more)


def queued(**attachment: Any) -> Record | None:
    return read(
        type="attachment", uuid="q", attachment={"type": "queued_command", **attachment}, timestamp=AT
    )


def summary(**more: Any) -> Record | None:
    return read(type="system", subtype="stop_hook_summary", timestamp=AT, **more)


def test_a_typed_prompt_is_a_persons() -> None:
    record = user("hi", promptId="p", promptSource="typed", origin={"kind": "human"})
    assert record == Prompt(uuid="u", at=AT_S, prompt_id="p", text="hi")


def test_text_blocks_of_a_prompt_are_joined_and_pictures_left_out() -> None:
    record = user([TEXT, {"type": "image", "source": {}}, {"type": "text", "text": 7}, "bare", 3])
    assert record == Prompt(uuid="u", at=AT_S, prompt_id=None, text="hello\nbare")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("Stop hook feedback:\nplease go on", {"isMeta": True}),
        ("<task-notification>\n<task-id>b</task-id>", {"origin": {"kind": "task-notification"}}),
        ("Another Claude session sent a message", {"origin": {"kind": "peer"}}),
        ("<bash-input>echo hi</bash-input>", {}),
        ("<bash-stdout>hi</bash-stdout>", {}),
        ("<command-name>/clear</command-name>", {}),
        ("<local-command-stdout></local-command-stdout>", {}),
    ],
)
def test_what_no_person_said_is_meta(text: str, more: dict[str, Any]) -> None:
    record = user(text, **more)
    assert isinstance(record, Prompt)
    assert record.meta


@pytest.mark.parametrize("origin", [None, {}, {"kind": "human"}, "odd"])
def test_an_origin_that_says_nothing_else_is_a_person(origin: Any) -> None:
    record = user("hi", origin=origin)
    assert isinstance(record, Prompt)
    assert not record.meta


def test_an_interruption_is_known_by_its_text_unless_somebody_typed_it() -> None:
    assert user([{"type": "text", "text": "[Request interrupted by user for tool use]"}]) == Interrupted(
        at=AT_S
    )
    assert user([{"type": "text", "text": "[Request interrupted by user]"}]) == INTERRUPTED
    assert isinstance(user("[Request interrupted by user]", promptSource="typed"), Prompt)


def test_tool_results_are_taken_as_they_are() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [TEXT]}
    assert user([result, TEXT], promptId="p") == ToolResult(uuid="u", at=AT_S, blocks=(result,))


def test_an_answer_keeps_its_blocks_usage_and_reason() -> None:
    message = {"id": "m", "model": "opus", "content": [TEXT], "usage": {"x": 1}, "stop_reason": "end_turn"}
    assert assistant(message, requestId="r") == AssistantBlocks(
        uuid="a",
        at=AT_S,
        message_id="m",
        request_id="r",
        model="opus",
        blocks=(TEXT,),
        usage={"x": 1},
        stop_reason="end_turn",
        error=False,
    )


def test_an_answer_of_odd_shape_is_read_as_far_as_it_goes() -> None:
    record = assistant("just text")
    assert isinstance(record, AssistantBlocks)
    assert record.blocks == ({"type": "text", "text": "just text"},)
    assert (record.message_id, record.usage, record.stop_reason) == ("", {}, None)


def test_an_api_error_speaks_for_claude_code_and_a_filler_is_nobodys() -> None:
    message = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 400 bad"}]}
    record = assistant(message, isApiErrorMessage=True)
    assert isinstance(record, AssistantBlocks)
    assert (record.error, record.model) == (True, "")
    assert assistant({"model": "<synthetic>", "content": "No response requested."}) is None


def test_the_end_of_a_turn_is_marked() -> None:
    assert read(type="system", subtype="turn_duration", timestamp=AT) == TurnClosed(at=AT_S)
    assert summary() == TurnClosed(at=AT_S)
    assert summary(hookErrors=["went wrong"], failedHookErrorIndexes=[0]) == TurnClosed(at=AT_S)
    assert summary(hookErrors=["no"], preventedContinuation=True) == TurnClosed(at=AT_S)


def test_a_stop_hook_that_sends_claude_on_ends_nothing() -> None:
    assert summary(hookErrors=["please go on"], failedHookErrorIndexes=[]) is None
    assert summary(hookAdditionalContext=["mind this"]) is None


def test_a_prompt_taken_into_a_running_turn_is_an_attachment() -> None:
    assert queued(prompt="more", commandMode="prompt", origin={"kind": "human"}) == Prompt(
        uuid="q", at=AT_S, prompt_id=None, text="more", queued=True
    )
    blocks = queued(prompt=[TEXT])
    assert isinstance(blocks, Prompt)
    assert blocks.text == "hello"
    notification = queued(prompt="<task-notification>", commandMode="task-notification")
    assert isinstance(notification, Prompt)
    assert notification.meta
    assert queued(prompt=None) is None


@pytest.mark.parametrize(
    "record",
    [
        {"type": "api-request-blob", "message": {"role": "user", "content": "hi"}},
        {"attachment": {"type": "environment"}, "type": "attachment"},
        {"z": 1, "type": "attachment"},
        {"z": "x" * 300, "attachment": {"type": "environment"}, "type": "attachment"},
        {"z": 1, "type": "a word of a later version"},
        {"z": 1},
        {"type": "user", "isSidechain": True, "message": {"content": "hi"}},
        {"type": "user", "isCompactSummary": True, "message": {"content": "hi"}},
        {"type": "user", "isVisibleInTranscriptOnly": True, "message": {"content": "hi"}},
        {"type": "user"},
        {"type": "user", "message": {"content": ""}},
        {"type": "user", "message": {"content": 7}},
        {"type": "assistant"},
        {"type": "assistant", "message": {"content": []}},
        {"type": "system", "subtype": "compact_boundary"},
        {"type": "system"},
    ],
)
def test_other_records_say_nothing(record: dict[str, Any]) -> None:
    assert read(**record) is None


def test_a_message_that_is_a_string_is_a_prompt() -> None:
    record = read(type="user", message="hi")
    assert record == Prompt(uuid="", at=0.0, prompt_id=None, text="hi")


@pytest.mark.parametrize(
    "timestamp", ["", "yesterday", 7, None, "0001-01-01T00:00:00", "1969-01-01T00:00:00Z"]
)
def test_a_record_without_a_readable_time_has_none(timestamp: Any) -> None:
    record = read(type="user", message="hi", timestamp=timestamp)
    assert isinstance(record, Prompt)
    assert record.at == 0.0


@pytest.mark.parametrize(
    "line", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"type":"user","message":"h', b"[" * 9999]
)
def test_garbage_and_half_lines_say_nothing(line: bytes) -> None:
    assert read_record(line) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["message", "content", "isMeta", "promptId", "origin", "uuid", "timestamp", "attachment", "hookErrors"]


@given(
    st.sampled_from(["user", "assistant", "system", "attachment"]),
    st.dictionaries(st.sampled_from(KEYS), JSON | st.dictionaries(st.sampled_from(KEYS), JSON)),
)
def test_no_shape_raises(kind: str, record: dict[str, Any]) -> None:
    read(**record, type=kind)
    read(**record, type=kind, subtype="stop_hook_summary")


@given(st.binary(max_size=200))
def test_no_bytes_raise(line: bytes) -> None:
    read_record(line)
    read_record(b'{"type":"user",' + line)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.jsonl")), ids=lambda path: path.name)
def test_the_quick_look_dismisses_nothing_that_matters(path: Path) -> None:
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        spaced = json.dumps(record).encode()  # blanks behind the colons: the quick look knows nothing of it
        assert read_record(line) == read_record(spaced)


BLOCKED = {
    "type": "system",
    "subtype": "informational",
    "content": "UserPromptSubmit operation blocked by hook:\n[x]: no\n\n\nOriginal prompt: [14:46 tg] hello",
    "timestamp": "2026-11-20T14:46:52.438Z",
    "promptSubmitEnding": {"ending": {"kind": "blocked_by_hook", "reason": "no"}, "promptKept": False},
}


def test_a_prompt_that_a_hook_forbade_is_told_with_the_reason() -> None:
    blocked = read_blocked(json.dumps(BLOCKED).encode())
    assert blocked is not None
    assert blocked.reason == "UserPromptSubmit: blocked by hook: no"
    assert blocked.text.endswith("Original prompt: [14:46 tg] hello")
    assert blocked.at == 1795186012.438
    bare = BLOCKED | {"promptSubmitEnding": {"ending": {"kind": "no_verdict"}, "promptKept": False}}
    told = read_blocked(json.dumps(bare).encode())
    assert told is not None
    assert told.reason == "UserPromptSubmit: no verdict"
    nameless = BLOCKED | {"promptSubmitEnding": {"ending": {}, "promptKept": False}}
    told = read_blocked(json.dumps(nameless).encode())
    assert told is not None
    assert told.reason == "UserPromptSubmit: refused"


@pytest.mark.parametrize(
    "record",
    [
        BLOCKED | {"promptSubmitEnding": {"ending": {"kind": "x"}, "promptKept": True}},
        BLOCKED | {"promptSubmitEnding": {"promptKept": False}},
        BLOCKED | {"promptSubmitEnding": None},
        BLOCKED | {"type": "user"},
        BLOCKED | {"type": "mode"},
        {"type": "user", "message": {"content": "hi"}},
        ["promptSubmitEnding"],
    ],
)
def test_nothing_else_is_taken_for_it(record: object) -> None:
    assert read_blocked(json.dumps(record).encode()) is None


@pytest.mark.parametrize("line", [b'{"promptSubmitEnding"', b"[" * 100_000 + b'"promptSubmitEnding"'])
def test_a_broken_line_is_nothing(line: bytes) -> None:
    assert read_blocked(line) is None
