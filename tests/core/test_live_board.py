from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.live_board import EXPIRY_S, SOURCES, Board, Heartbeat, Session, Stop, as_json, read_body

NINE = {
    "session_id": "a",
    "total_tokens": 5,
    "tool_calls": 4,
    "user_prompts": 3,
    "active_time_seconds": 120,
    "last_prompt": "hello",
    "project": "ccmux",
    "model": "claude-opus-4-5",
    "sensitive": False,
}
MORE = {
    "state": "busy",
    "input_tokens": 1,
    "output_tokens": 2,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 4,
    "context_tokens": 5,
    "cost_usd": 1.25,
    "tool_counts": {"Bash": 3},
    "summary": "says hello",
}


def sessions(*ids: str, **keys: Any) -> tuple[Session, ...]:
    return tuple(Session(session_id=id_, **keys) for id_ in ids)


def seen(board: Board) -> Any:
    return json.loads(as_json(board.shown()))


def ids(board: Board) -> list[str]:
    return [session["session_id"] for session in seen(board)["sessions"]]


def heartbeat_of(body: object) -> Heartbeat | str:
    return read_body(json.dumps(body).encode(), Heartbeat)


def taken(body: object) -> Heartbeat:
    said = heartbeat_of(body)
    assert isinstance(said, Heartbeat), said
    return said


@pytest.mark.parametrize("session", [NINE, NINE | MORE])
def test_what_a_source_tells_of_a_session_is_shown_to_the_letter(session: dict[str, Any]) -> None:
    board = Board()
    board.take("s", taken({"sessions": [session]}).sessions, now_s=0)
    assert (
        as_json(board.shown())
        == json.dumps({"active": True, "sessions": [session]}, separators=(",", ":")).encode()
    )


def test_what_is_not_told_of_a_session_is_nothing_to_older_viewers_and_not_there_for_others() -> None:
    board = Board()
    board.take("s", taken({"sessions": [{"session_id": "a"}]}).sessions, now_s=0)
    nothing = {key: type(value)() for key, value in NINE.items()} | {"session_id": "a"}
    assert seen(board)["sessions"] == [nothing]


def test_keys_that_nobody_knows_are_not_handed_on() -> None:
    said = taken({"sessions": [NINE | {"home": "/home/me"}], "version": 3})
    assert said == Heartbeat(sessions("a", **{k: v for k, v in NINE.items() if k != "session_id"}))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", Heartbeat()),
        (b"{}", Heartbeat()),
        (b' {"sessions": null} ', Heartbeat()),
        (b'{"sessions": []}', Heartbeat(())),
        (b'{"source": "laptop"}', Heartbeat(None, "laptop")),
        (b'{"source": null, "sessions": []}', Heartbeat(())),
    ],
)
def test_a_heartbeat_may_say_little(body: bytes, said: Heartbeat) -> None:
    assert read_body(body, Heartbeat) == said


@pytest.mark.parametrize(
    ("body", "stop"), [(b"", Stop()), (b"{}", Stop()), (b'{"source":"x","sessions":[1]}', Stop("x"))]
)
def test_a_stop_may_say_who_stops(body: bytes, stop: Stop) -> None:
    assert read_body(body, Stop) == stop


REFUSED = {
    "no JSON": b"hello",
    "half of it": b'{"sessions": [',
    "no object": b"[]",
    "null": b"null",
    "not UTF-8": b'{"sessions":[{"session_id":"\xff"}]}',
    "half a character": b'{"sessions":[{"session_id":"\\ud800"}]}',
    "two of them": b"{}{}",
    "sessions by name": b'{"sessions": {"a": {}}}',
    "a session without an id": b'{"sessions": [{"total_tokens": 1}]}',
    "an empty id": b'{"sessions": [{"session_id": ""}]}',
    "an id without end": b'{"sessions": [{"session_id": "%s"}]}' % (b"x" * 257),
    "a word for a number": b'{"sessions": [{"session_id": "a", "total_tokens": "1"}]}',
    "below nothing": b'{"sessions": [{"session_id": "a", "tool_calls": -1}]}',
    "more than a browser counts": b'{"sessions": [{"session_id": "a", "total_tokens": 9007199254740992}]}',
    "no number": b'{"sessions": [{"session_id": "a", "active_time_seconds": NaN}]}',
    "no end": b'{"sessions": [{"session_id": "a", "active_time_seconds": 1e999}]}',
    "1 for true": b'{"sessions": [{"session_id": "a", "sensitive": 1}]}',
    "a source that is a number": b'{"source": 1}',
    "an empty source": b'{"source": ""}',
    "a deep hole": b'{"x":' + b"[" * 60_000,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_told_with_what_would_do(body: bytes) -> None:
    said = read_body(body, Heartbeat)
    assert isinstance(said, str)
    assert said.startswith('the body must be JSON like {"sessions": [...], "source": "..."}: ')
    assert "\n" not in said


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_body_does_more_than_be_read_or_refused(body: bytes) -> None:
    assert isinstance(read_body(body, Stop), Stop | str)
    said = read_body(body, Heartbeat)
    if isinstance(said, Heartbeat):
        board = Board()
        board.take("s", said.sessions, now_s=0)
        assert seen(board)["active"] is True


def test_nobody_is_shown_as_older_viewers_know_it() -> None:
    assert as_json(Board().shown()) == b'{"active":false,"sessions":null}'


@pytest.mark.parametrize(("told", "shown"), [(None, None), ((), [])])
def test_a_source_may_be_at_work_without_sessions(told: tuple[Session, ...] | None, shown: object) -> None:
    board = Board()
    board.take("s", told, now_s=0)
    assert seen(board) == {"active": True, "sessions": shown}


def test_two_sources_stand_beside_each_other_in_their_places() -> None:
    board = Board()
    board.take("one", sessions("a", "b"), now_s=0)
    board.take("two", sessions("c"), now_s=1)
    board.take("one", sessions("a", "b", "d"), now_s=2)
    assert ids(board) == ["a", "b", "d", "c"]
    assert len(board) == 2


def test_a_heartbeat_replaces_what_its_source_said() -> None:
    board = Board()
    board.take("one", sessions("a", "b"), now_s=0)
    board.take("one", sessions("b"), now_s=1)
    assert ids(board) == ["b"]
    board.take("one", None, now_s=2)
    assert seen(board) == {"active": True, "sessions": None}


def test_one_who_stops_leaves_the_others() -> None:
    board = Board()
    board.take("one", sessions("a"), now_s=0)
    board.take("two", sessions("b"), now_s=0)
    assert "one" in board
    assert board.stop("one")
    assert "one" not in board
    assert not board.stop("one")
    assert ids(board) == ["b"]
    assert board.stop("two")
    assert seen(board) == {"active": False, "sessions": None}


def test_who_is_not_heard_of_for_too_long_is_gone() -> None:
    board = Board()
    board.take("one", sessions("a"), now_s=0)
    board.take("two", sessions("b"), now_s=1)
    assert board.expire(now_s=EXPIRY_S - 0.1) == []
    assert board.expire(now_s=EXPIRY_S) == ["one"]
    assert ids(board) == ["b"]
    board.take("two", sessions("b"), now_s=EXPIRY_S)
    assert board.expire(now_s=2 * EXPIRY_S - 0.1) == []
    assert board.expire(now_s=3 * EXPIRY_S) == ["two"]


@pytest.mark.parametrize("later", ["one", "two"])
def test_a_session_that_two_tell_of_is_shown_once_as_the_later_tells_it(later: str) -> None:
    board = Board()
    board.take("one", sessions("a", total_tokens=1), now_s=5 if later == "one" else 0)
    board.take("two", sessions("a", "b", total_tokens=2), now_s=1)
    assert [(s["session_id"], s["total_tokens"]) for s in seen(board)["sessions"]] == [
        ("a", 1 if later == "one" else 2),
        ("b", 2),
    ]


def test_there_is_room_for_so_many_sources_and_those_that_are_known_always_have_it() -> None:
    board = Board()
    for number in range(SOURCES):
        assert board.take(f"s{number}", None, now_s=0)
    assert not board.take("one more", sessions("x"), now_s=0)
    assert "one more" not in board
    assert board.take("s3", sessions("a"), now_s=1)
    board.stop("s4")
    assert board.take("one more", sessions("x"), now_s=2)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["one", "two", "three"]),
            st.sampled_from(["beat", "stop", "look"]),
            st.integers(0, 50).map(float),
        )
    )
)
def test_a_source_is_shown_from_its_heartbeat_to_its_stop_or_its_silence(
    story: list[tuple[str, str, float]],
) -> None:
    board = Board()
    heard: dict[str, float] = {}
    now_s = 0.0
    for source, does, after_s in story:
        now_s += after_s
        if does == "beat":
            board.take(source, sessions(source), now_s=now_s)
            heard[source] = now_s
        elif does == "stop":
            assert board.stop(source) == (heard.pop(source, None) is not None)
        else:
            gone = [known for known, at_s in heard.items() if now_s - at_s >= EXPIRY_S]
            assert board.expire(now_s=now_s) == gone
            for one in gone:
                del heard[one]
        assert {s.session_id for s in board.shown().sessions or ()} == set(heard)
        assert board.shown().active == bool(heard)
