"""The language of control.sock."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.control import (
    EARLY_ENDS,
    LISTED_CHARS,
    OPS,
    SHORTEST_LINE_LIMIT,
    WAYS_OUT,
    Dead,
    Drop,
    Interrupt,
    Letter,
    Messages,
    Pause,
    Request,
    Resume,
    Retry,
    Runs,
    Send,
    Show,
    Status,
    Why,
    answer,
    explained,
    line_limit,
    parse_request,
    refusal,
    told,
    told_letter,
    way_out,
)
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Message, MessageState
from ccmux.core.observation import Hold

UNDERSTOOD: dict[str, Request] = {
    '{"op":"send","message":{"content":"hi"}}': Send(message={"content": "hi"}),
    '{"op":"status"}': Status(),
    '{"op":"status","project":"p"}\n': Status(project="p"),
    '{"op":"messages"}': Messages(),
    '{"op":"messages","states":["dead","queued"],"limit":3}': Messages(
        states=(MessageState.DEAD, MessageState.QUEUED), limit=3
    ),
    '{"op":"show","id":7}': Show(id=7),
    '{"op":"why"}': Why(),
    '{"op":"why","id":"mail-1"}': Why(id="mail-1"),
    '{"op":"dead","limit":3}': Dead(limit=3),
    '{"op":"letter","id":7}': Letter(id=7),
    '{"op":"retry","id":7}': Retry(id=7),
    '{"op":"drop","id":7}': Drop(id=7),
    '{"op":"pause"}': Pause(),
    '{"op":"resume"}': Resume(),
    '{"op":"interrupt"}': Interrupt(),
    '{"op":"runs"}': Runs(),
    '{"op":"runs","since":5}': Runs(since=5.0),
    '{"op":"runs","since":null}': Runs(since=None),
}


@pytest.mark.parametrize(("line", "request_"), UNDERSTOOD.items())
def test_a_request_is_understood(line: str, request_: Request) -> None:
    assert parse_request(line.encode()) == request_


def test_every_op_has_a_request() -> None:
    assert {json.loads(line)["op"] for line in UNDERSTOOD} == set(OPS)


GARBAGE = [
    *(b"", b"\n", b"hello", b"[]", b"null", b"{", b'{"op":"fly"}', b'{"op":"status","more":1}', b"{}"),
    *(b'{"op":"send"}', b'{"op":"send","message":"hi"}', b'{"op":"send","message":null}', b"\xff\xfe"),
    *(b'{"op":"messages","limit":0}', b'{"op":"messages","limit":1001}', b'{"op":"messages","limit":true}'),
    *(b'{"op":"messages","states":["lost"]}', b'{"op":"messages","states":"dead"}', b'{"op":"show"}'),
    *(b'{"op":"why","id":[]}', b'{"op":"status"}{"op":"status"}', b'{"op":"\xff"}', b'{"op":1}'),
]


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_gets_a_sentence_that_names_the_ops(line: bytes) -> None:
    says = parse_request(line)
    assert isinstance(says, str)
    assert says.startswith("this is no request: ")
    assert says.endswith("its op one of: " + ", ".join(OPS))


def test_a_line_nested_without_end_gets_a_sentence() -> None:
    deep = b'{"op":"send","message":{"content":' + b"[" * 100_000
    assert parse_request(deep) == "this is no request: it is nested too deeply"


@given(st.binary())
def test_no_bytes_make_it_raise(line: bytes) -> None:
    assert isinstance(parse_request(line), str)


def test_the_line_limit_holds_any_message_that_may_be_taken() -> None:
    assert line_limit(1_048_576) >= SHORTEST_LINE_LIMIT
    content = "\n" * 8_000_000
    line = msgspec.json.encode({"op": "send", "message": {"content": content, "id": "k" * 128}})
    assert len(line) < line_limit(len(content))
    assert line_limit(4_096) == SHORTEST_LINE_LIMIT


def test_answers_are_one_line_each() -> None:
    assert json.loads(answer(id=1, text="a\nb")) == {"ok": True, "id": 1, "text": "a\nb"}
    assert json.loads(refusal("no\nway", code="x")) == {"ok": False, "error": "no\nway", "code": "x"}
    assert answer(text="a\nb").count(b"\n") == refusal("no\nway").count(b"\n") == 1


MESSAGE = Message(
    id=7,
    channel="mail",
    content="x" * (LISTED_CHARS + 1),
    ts=500.0,
    key="k",
    meta={"a": 1},
    attachments=("/a",),
    state=MessageState.QUEUED,
    taken_at=1_000.0,
)


def test_a_list_cuts_long_texts_and_says_how_long_they_are() -> None:
    listed = told(MESSAGE)
    assert listed["chars"] == LISTED_CHARS + 1
    assert len(listed["content"]) == LISTED_CHARS
    assert told(MESSAGE, whole=True)["content"] == MESSAGE.content
    assert (listed["ts"], listed["taken_at"]) == (500.0, 1_000.0)
    assert json.loads(answer(messages=[listed]))["messages"][0]["state"] == "queued"


def test_every_hold_has_a_way_out_for_a_person() -> None:
    assert set(WAYS_OUT) == set(Hold)
    assert way_out("paused") == "`ccmux resume`"
    assert way_out("") == way_out("no such hold") == ""


def test_where_claude_ends_soon_after_each_start_the_way_out_is_what_it_said() -> None:
    assert way_out("not running", early_ends=EARLY_ENDS - 1) == WAYS_OUT[Hold.NOT_RUNNING]
    out = way_out("not running", early_ends=EARLY_ENDS)
    assert "by itself" not in out
    assert "`ccmux doctor`" in out
    assert way_out("paused", early_ends=EARLY_ENDS) == "`ccmux resume`"


def why(message: Message, hold: str = "", detail: str = "") -> tuple[str, str]:
    told_why = explained(message, hold=hold, detail=detail, now_s=1_012.34)
    assert (told_why["id"], told_why["channel"], told_why["state"]) == (7, "mail", message.state.value)
    assert told_why["since_s"] == 12.3
    return told_why["reason"], told_why["way_out"]


def test_a_queued_message_waits_for_what_holds_the_queue() -> None:
    assert why(MESSAGE, "paused") == ("paused", "`ccmux resume`")
    assert why(MESSAGE, "dialog", "folder trust") == ("dialog: folder trust", WAYS_OUT[Hold.DIALOG])
    assert why(MESSAGE) == ("next to be typed", "")


@pytest.mark.parametrize("state", [state for state in MessageState if state is not MessageState.QUEUED])
def test_every_other_message_says_where_it_is_whatever_holds_the_queue(state: MessageState) -> None:
    message = replace(MESSAGE, state=state)
    reason, out = why(message, "paused", "by you")
    assert reason
    assert "paused" not in reason
    assert out == ""
    assert why(replace(message, reason="because"), "paused")[0] == f"{reason}: because"


def test_a_message_taken_before_our_clock_was_put_back_has_waited_for_nothing() -> None:
    assert explained(MESSAGE, hold="", detail="", now_s=0)["since_s"] == 0.0


@pytest.mark.parametrize(
    "line",
    [
        b'{"op":"letter","id":9223372036854775808}',
        b'{"op":"drop","id":0}',
        b'{"op":"retry","id":-1}',
        b'{"op":"why","id":"' + b"9" * 5_000 + b'"}',
        b'{"op":"show","id":99999999999999999999999}',
    ],
)
def test_a_number_that_no_message_can_have_is_refused(line: bytes) -> None:
    assert isinstance(parse_request(line), str)


def test_a_dead_letter_is_told_short_in_lists_and_to_the_byte_when_asked_for() -> None:
    letter = DeadLetter(
        id=7, channel="tg", at=5.0, reason="bad", key=None, raw=b"\xff{", content="?{", whole_bytes=None
    )
    told = told_letter(letter)
    assert (told["id"], told["kind"], told["bytes"], told["whole_bytes"]) == (7, "line", 2, 2)
    assert "verbatim" not in told
    assert told_letter(letter, whole=True)["verbatim"] == "/3s="
