"""What a publisher tells is what a relay reads and shows: the two halves of one format, each in core."""

from __future__ import annotations

import json

from ccmux.core.live import payload
from ccmux.core.live_board import BODY_BYTES, Board, Heartbeat, Stop, as_json, read_body

SESSION = payload.Session(
    session_id="0f9c2a6e",
    total_tokens=10,
    tool_calls=2,
    user_prompts=3,
    active_time_seconds=4,
    last_prompt="Grüße",
    project="ccmux",
    model="claude-opus-4-5",
    sensitive=True,
    state="busy",
    input_tokens=1,
    output_tokens=2,
    cache_creation_input_tokens=3,
    cache_read_input_tokens=4,
    context_tokens=5,
    tool_counts={"Bash": 2},
    cost_usd=0.25,
)


def test_all_that_a_publisher_tells_of_a_session_is_shown() -> None:
    body = payload.heartbeat("laptop", [SESSION])
    said = read_body(body, Heartbeat)
    assert isinstance(said, Heartbeat), said
    assert said.source == "laptop"
    board = Board()
    board.take("laptop", said.sessions, now_s=0)
    assert json.loads(as_json(board.shown()))["sessions"] == json.loads(body)["sessions"]


def test_a_stop_names_its_source() -> None:
    assert read_body(payload.stop("laptop"), Stop) == Stop("laptop")


def test_the_longest_body_of_one_is_that_of_the_other() -> None:
    assert payload.BODY_BYTES == BODY_BYTES
