"""What clients ask, word by word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.overseer.protocol import (
    ID_CHARS,
    List,
    Replay,
    Request,
    Reset,
    Start,
    Stop,
    Subscribe,
    Wrong,
    parse,
)
from ccmux.core.overseer.retry import RetryPolicy

TIME, AT = "2026-11-30T18:00:00Z", 1_796_061_600.0

ASKED: dict[str, tuple[dict[str, Any], Request]] = {
    "start, all of it": (
        {
            "type": "start",
            "id": "1",
            "task_id": "t",
            "command": "echo",
            "args": ["a", "b"],
            "retry_policy": {"restart_delay": "5s", "error_window": "1m30s", "error_threshold": 3},
        },
        Start(
            id="1",
            task_id="t",
            command="echo",
            args=("a", "b"),
            retry_policy=RetryPolicy(restart_delay="5s", error_window="1m30s", error_threshold=3),
        ),
    ),
    "start, as little as can be": ({"type": "start"}, Start()),
    "null is as good as nothing": (
        {"type": "start", "id": None, "task_id": None, "command": None, "args": None, "retry_policy": None},
        Start(),
    ),
    "an id may be a number": ({"type": "list", "id": 7}, List(id=7)),
    "what nobody knows is passed over": ({"type": "list", "colour": "red"}, List()),
    "list": ({"type": "list", "since": TIME}, List(since=AT)),
    "stop": ({"type": "stop", "task_id": "t"}, Stop(task_id="t")),
    "reset": ({"type": "reset", "task_id": "t", "id": "x"}, Reset(task_id="t", id="x")),
    "replay": ({"type": "replay", "task_id": "t"}, Replay(task_id="t")),
    "replay since": ({"type": "replay", "task_id": "t", "since": TIME}, Replay(task_id="t", since=AT)),
    "subscribe": ({"type": "subscribe", "task_id": "t"}, Subscribe(on=True, task_id="t")),
    "unsubscribe all": ({"type": "unsubscribe", "id": "x"}, Subscribe(on=False, id="x")),
    "a since where there is none": ({"type": "stop", "task_id": "t", "since": "x"}, Stop(task_id="t")),
}


@pytest.mark.parametrize(("message", "request_"), ASKED.values(), ids=ASKED.keys())
def test_a_request(message: dict[str, Any], request_: Request) -> None:
    assert parse(json.dumps(message).encode()) == request_


LONG = "x" * (ID_CHARS + 1)
WRONG: dict[str, tuple[bytes, dict[str, Any]]] = {
    "no JSON": (b"{", {"message": "invalid JSON"}),
    "no object": (b"[]", {"message": "invalid JSON"}),
    "no UTF-8": (b'{"type":"\xff"}', {"message": "invalid JSON"}),
    "nested too deeply": (b"[" * 100_000, {"message": "invalid JSON"}),
    "a field of another kind": (
        b'{"type":"start","id":"7","args":"x"}',
        {"message": "invalid JSON", "id": "7"},
    ),
    "an id that is none": (b'{"type":"list","id":[]}', {"message": "invalid JSON"}),
    "an id too long": (json.dumps({"type": "list", "id": LONG}).encode(), {"message": "invalid JSON"}),
    "an id too long in no request": (
        json.dumps({"type": 5, "id": LONG}).encode(),
        {"message": "invalid JSON"},
    ),
    "a task_id too long": (
        json.dumps({"type": "start", "task_id": LONG, "id": 1}).encode(),
        {"message": f"a task_id has at most {ID_CHARS} characters", "id": 1},
    ),
    "a policy that cannot be": (
        b'{"type":"start","id":"7","retry_policy":{"restart_delay":"soon"}}',
        {"message": "invalid JSON", "id": "7"},
    ),
    "no type": (b"{}", {"message": "unknown message type"}),
    "another type": (b'{"type":"dance","id":"7"}', {"message": "unknown message type", "id": "7"}),
    "stop what": (b'{"type":"stop","id":"7"}', {"message": "task_id is required", "id": "7"}),
    "reset what": (b'{"type":"reset"}', {"message": "task_id is required"}),
    "replay what": (b'{"type":"replay"}', {"message": "task_id is required"}),
    "since when": (
        b'{"type":"list","since":"noon","id":"7"}',
        {"message": "invalid since timestamp", "id": "7"},
    ),
    "a NUL": (
        b'{"type":"start","command":"a","args":["\\u0000"]}',
        {"message": "command and args must not hold a NUL"},
    ),
}


@pytest.mark.parametrize(("text", "answer"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_request_is_told_so(text: bytes, answer: dict[str, Any]) -> None:
    wrong = parse(text)
    assert isinstance(wrong, Wrong)
    said = json.loads(wrong.answer)
    assert ("detail" in said) == (said["message"] == "invalid JSON")
    said.pop("detail", None)
    assert said == {"type": "error", **answer}


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
        lambda v: json.dumps({"type": v}).encode()
    )
)
def test_it_never_raises(text: bytes) -> None:
    parse(text)
