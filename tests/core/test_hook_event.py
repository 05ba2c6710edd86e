"""Hook events: the common fields are taken, the rest stays in the payload, anything else is nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.hook_event import read_hook
from ccmux.core.observation import HookEvent

PROMPT = {
    "session_id": "a1b67202",
    "transcript_path": "/tmp/demo-home/projects/-tmp-demo-project/a1b67202.jsonl",
    "cwd": "/tmp/demo-project",
    "prompt_id": "77fea37f",
    "permission_mode": "default",
    "hook_event_name": "UserPromptSubmit",
    "prompt": "hello there",
}


def test_an_event() -> None:
    assert read_hook(json.dumps(PROMPT).encode(), 12.5) == HookEvent(
        name="UserPromptSubmit",
        session_id="a1b67202",
        transcript_path="/tmp/demo-home/projects/-tmp-demo-project/a1b67202.jsonl",
        prompt_id="77fea37f",
        at=12.5,
        payload=PROMPT,
        in_subagent=False,
    )


def test_the_first_event_of_a_session_has_no_prompt() -> None:
    event = read_hook(b'{"hook_event_name": "SessionStart", "session_id": "s", "source": "startup"}', 0.0)
    assert event is not None
    assert (event.prompt_id, event.transcript_path, event.payload["source"]) == (None, "", "startup")


def test_an_event_of_a_subagent_is_marked() -> None:
    event = read_hook(json.dumps(PROMPT | {"agent_id": "x"}).encode(), 0.0)
    assert event is not None
    assert event.in_subagent


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"x", b'{"hook_event_name": "Stop"}', b'{"hook_event_name": 1, "session_id": "s"}'],
)
def test_anything_else_is_nothing(raw: bytes) -> None:
    assert read_hook(raw, 0.0) is None


@given(st.binary() | st.binary().map(lambda x: b'{"hook_event_name": "Stop", "session_id": "' + x + b'"}'))
def test_it_never_raises(raw: bytes) -> None:
    read_hook(raw, 0.0)
