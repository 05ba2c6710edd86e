"""What a follower waits for, and what it says where that does not come."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ccmux.trial import waiting
from ccmux.trial.follower import Follower
from ccmux.trial.ports import LentPort
from ccmux.trial.waiting import Abandoned, NotSo, until


@contextmanager
def following(*events: dict[str, object], abandoned: threading.Event | None = None) -> Iterator[Follower]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))
        yield Follower(ours, abandoned)


def test_it_returns_the_event_with_these_fields() -> None:
    with following({"type": "a", "id": 1}, {"type": "b"}, {"type": "a", "id": 2}) as events:
        assert events.until("a", id=2) == {"type": "a", "id": 2}
        assert len(events.seen) == 3


def test_what_comes_before_it_may_be_the_fact() -> None:
    with following({"type": "turn", "outcome": "finished"}) as events, pytest.raises(NotSo) as failed:
        events.until("permission_request", before="turn")
    assert "never: event permission_request before the turn; the last: turn finished" in str(failed.value)


def test_no_event_in_time_is_said_with_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LIMIT_S", 0.0)
    with following({"type": "state", "state": "idle"}) as events, pytest.raises(NotSo, match="state=busy"):
        events.until("state", state="busy")
    with following() as events, pytest.raises(NotSo, match="none at all"):
        events.next()


def test_the_end_of_the_stream_is_said() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(NotSo, match="the stream ended"):
            Follower(ours).next()


def test_an_abandoned_wait_ends_at_once() -> None:
    abandoned = threading.Event()
    abandoned.set()
    with following(abandoned=abandoned) as events, pytest.raises(Abandoned):
        events.next()
    with pytest.raises(Abandoned):
        until(lambda: False, "anything", abandoned=abandoned)


def test_a_lent_port_is_lent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = LentPort()
    numbers = iter([first.number, first.number, first.number + 1])
    monkeypatch.setattr("ccmux.trial.ports.FIRST", 0)
    monkeypatch.setattr("ccmux.trial.ports.secrets.randbelow", lambda _: next(numbers))
    second = LentPort()
    assert second.number == first.number + 1
    first.give_back()
    second.give_back()
