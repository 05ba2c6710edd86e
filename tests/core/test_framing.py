"""Lines come out whole however the stream was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.framing import LineFramer, OverLong

CASES = {
    "one line": ([b"a\n"], [b"a"]),
    "cut in the middle": ([b"a", b"b", b"c\nd\n"], [b"abc", b"d"]),
    "the newline comes alone": ([b"a", b"\n"], [b"a"]),
    "CRLF": ([b"a\r\nb\r", b"\n"], [b"a", b"b"]),
    "a CR inside stays": ([b"a\rb\n"], [b"a\rb"]),
    "blank lines are skipped": ([b"\n \t\r\n\r\n", b" ", b"\n", b"x\n"], [b"x"]),
    "white space around is the parser's": ([b"  a \n"], [b"  a "]),
    "as long as allowed": ([b"12345678\n", b"12345678\r\n", b"1234", b"5678\r\n"], [b"12345678"] * 3),
    "too long": ([b"123456789\nx\n"], [OverLong(b"12345678", 9), b"x"]),
    "too long, cut": ([b"12345", b"67890", b"abc\nx\n"], [OverLong(b"12345678", 13), b"x"]),
    "too long with CR": ([b"1234567890\r\n"], [OverLong(b"12345678", 11)]),
    "too long and blank is too long": ([b" " * 20 + b"\n"], [OverLong(b" " * 8, 20)]),
    "nothing": ([b""], []),
}


@pytest.mark.parametrize(("chunks", "lines"), CASES.values(), ids=CASES.keys())
def test_lines(chunks: list[bytes], lines: list[bytes | OverLong]) -> None:
    framer = LineFramer(8)
    assert [line for chunk in chunks for line in framer.feed(chunk)] == lines
    assert not framer.pending_bytes


def test_an_unfinished_line_waits_and_can_be_flushed() -> None:
    framer = LineFramer(8)
    assert framer.feed(b"a\nbc\r") == [b"a"]
    before, line, after = framer.pending_bytes, framer.flush(), framer.pending_bytes
    assert (before, line, after) == (3, b"bc", 0)
    assert framer.flush() is None
    assert framer.feed(b"d\n") == [b"d"]


def test_an_unfinished_over_long_line_is_told_once_and_holds_no_more_than_the_limit() -> None:
    framer = LineFramer(8)
    for _ in range(1000):
        assert framer.feed(b"x" * 1000) == []
    assert sum(map(len, framer._parts)) <= 9
    assert framer.flush() == OverLong(b"x" * 8, 1_000_000)


KEPT = {
    "whole": ([b"12345", b"6789012", b"\n"], OverLong(b"123456789012", 12)),
    "whole, at once": ([b"123456789012\n"], OverLong(b"123456789012", 12)),
    "its beginning": ([b"12345678901234", b"567\n"], OverLong(b"123456789012", 17)),
}


@pytest.mark.parametrize(("chunks", "line"), KEPT.values(), ids=KEPT)
def test_more_of_a_line_that_is_too_long_may_be_kept(chunks: list[bytes], line: OverLong) -> None:
    framer = LineFramer(8, keep_bytes=12)
    assert [line for chunk in chunks for line in framer.feed(chunk)] == [line]
    for _ in range(10):
        framer.feed(b"x" * 10)
    assert sum(map(len, framer._parts)) <= 13


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"q", b"\n").replace(b"z", b"\r\n")), st.data())
def test_cutting_changes_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    whole, pieces = LineFramer(5), LineFramer(5)
    expected = whole.feed(stream)
    got: list[bytes | OverLong] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += pieces.feed(stream[start:end])
    assert got == expected
    assert pieces.pending_bytes == whole.pending_bytes
    assert pieces.flush() == whole.flush()


def test_it_says_how_many_bytes_are_of_an_unfinished_line() -> None:
    framer = LineFramer(8)
    told = []
    for chunk in (b"ab", b"c\nd", b"", b"\n", b"x" * 20, b"y", b"\n"):
        framer.feed(chunk)
        told.append(framer.pending_bytes)
    assert told == [2, 1, 1, 0, 20, 21, 0]
