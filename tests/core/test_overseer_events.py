"""What clients are told, to the byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccmux.core.overseer.events import (
    BYTES_KEPT,
    EVENTS_KEPT,
    OutputWords,
    Ring,
    parse_rfc3339,
    rfc3339,
    said,
)
from ccmux.core.overseer.lines import Cut


def heads(sizes: list[int]) -> list[bytes]:
    return [b"<%d>" % size for size in sizes]


def test_times_are_rfc_3339() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_796_061_600.25) == "2026-11-30T18:00:00.250000Z"


TIMES = {
    "2026-11-30T18:00:00Z": 1_796_061_600.0,
    "2026-11-30T18:00:00.25Z": 1_796_061_600.25,
    "2026-11-30T19:00:00.250000000+01:00": 1_796_061_600.25,
    "2026-11-30t18:00:00z": 1_796_061_600.0,
    "2026-11-30": None,
    "2026-11-30T18:00:00": None,
    "2026-13-30T18:00:00Z": None,
    "2026-11-30T24:61:00Z": None,
    "yesterday": None,
    "": None,
}


@pytest.mark.parametrize(("text", "at"), TIMES.items())
def test_times_are_read(text: str, at: float | None) -> None:
    assert parse_rfc3339(text) == at


def test_what_has_nothing_to_say_is_left_out() -> None:
    assert said("error", message="no", id=None) == b'{"type":"error","message":"no"}'


def words() -> OutputWords:
    return OutputWords('a "%" task', 7, "stderr")


def event(data: str, seq: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "output",
        "task_id": 'a "%" task',
        "pid": 7,
        "stream": "stderr",
        "data": data,
        **more,
        "ts": "1970-01-01T00:00:05.000000Z",
        "seq": seq,
    }


def test_output_is_put_into_words_once_for_all() -> None:
    texts = ['plain %d "quoted" \\ \x00 \N{OWL}', "", "second"]
    output = words().said(Cut(texts), now=5.0, seq=9)
    expected = [event(text, seq) for seq, text in enumerate(texts, 9)]
    assert [json.loads(line) for line in output.logged().splitlines()] == expected
    assert [json.loads(one) for one in output.newest(EVENTS_KEPT)] == expected
    assert [json.loads(one) for one in output.newest(1)] == expected[-1:]
    joined = output.joined(heads)
    for one in output.newest(EVENTS_KEPT):
        head = b"<%d>" % len(one)
        assert joined.startswith(head + one)
        joined = joined[len(head) + len(one) :]
    assert joined == b""


def test_a_piece_says_that_its_line_goes_on() -> None:
    output = words().said(Cut(["one", "two"], [0]), now=5.0, seq=1)
    assert [json.loads(one) for one in output.newest(2)] == [event("one", 1, more=True), event("two", 2)]


def output(first: int, count: int) -> list[bytes]:
    return words().said(Cut(["x"] * count), now=5.0, seq=first).newest(count)


def test_the_newest_events_are_kept() -> None:
    ring = Ring()
    ring.add(output(1, 60), now=5.0)
    ring.add(output(61, 60), now=6.0)
    assert [json.loads(one)["seq"] for one in ring.since(0.0)] == list(range(21, 121))
    assert [json.loads(one)["seq"] for one in ring.since(6.0)] == list(range(61, 121))
    assert ring.since(7.0) == []


def test_no_task_fills_the_memory() -> None:
    ring = Ring()
    large = b"x" * (BYTES_KEPT // 2)
    for at in range(5):
        ring.add([large], now=at)
    assert len(ring.since(0.0)) == 2
    ring.add([large * 3], now=6.0)
    assert len(ring.since(0.0)) == 1
