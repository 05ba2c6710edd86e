import json

import pytest

from ccmux.core.events import EventType
from ccmux.core.subscription import Subscription, error_line, read_request


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        (b"{}", Subscription()),
        (b'{"since": 7}', Subscription(7)),
        (b'{"types": ["turn", "state"]}\n', Subscription(None, frozenset({EventType.TURN, EventType.STATE}))),
    ],
)
def test_a_request_is_read(line: bytes, wish: Subscription) -> None:
    assert read_request(line) == wish


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello", "expected"),
        (b"\xff{}", "expected"),
        (b'{"since": "x"}', "expected"),
        (b'{"since": 1, "more": 2}', "expected"),
        (b'{"types": ["turns"]}', "unknown type 'turns'; there are: turn, message"),
    ],
)
def test_a_bad_request_is_told_what_would_do(line: bytes, says: str) -> None:
    answer = read_request(line)
    assert isinstance(answer, str)
    assert says in answer


def test_a_slow_subscriber_is_told_where_to_go_on() -> None:
    assert json.loads(error_line("too slow", resume_since=5)) == {
        "type": "error",
        "error": "too slow",
        "resume_since": 5,
    }
    assert json.loads(error_line("bad")) == {"type": "error", "error": "bad"}
