"""What a task prints becomes lines, however it was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.overseer.lines import LineCutter


def cut(*chunks: bytes, limit: int = 8) -> list[str]:
    """Return the lines; a piece whose line goes on ends in +."""
    cutter = LineCutter(limit)
    found = []
    for one in [*(cutter.feed(chunk) for chunk in chunks), cutter.flush()]:
        found += [text + "+" * (at in one.unfinished) for at, text in enumerate(one.texts)]
    return found


CASES = {
    "nothing": ([], []),
    "one line": ([b"abc\n"], ["abc"]),
    "two": ([b"a\nb\n"], ["a", "b"]),
    "cut anywhere": ([b"a", b"b\nc", b"d", b"\n"], ["ab", "cd"]),
    "empty lines are lines": ([b"\n\na\n"], ["", "", "a"]),
    "the last one without an end": ([b"a\nb"], ["a", "b"]),
    "CR before LF goes": ([b"a\r\nb\rc\r\n"], ["a", "b\rc"]),
    "CR and LF apart": ([b"a\r", b"\n"], ["a"]),
    "no UTF-8": ([b"a\xff\xc3b\n"], ["a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"]),
    "a character cut by the pipe": ([b"\xc3", b"\xbc\n"], ["ü"]),
    "just fits": ([b"12345678\n"], ["12345678"]),
    "too long": ([b"123456789\n"], ["12345678+", "9"]),
    "too long, cut": ([b"1234", b"56789\nx\n"], ["12345678+", "9", "x"]),
    "far too long, no end": ([b"1234567812345678", b"9"], ["12345678+", "12345678+", "9"]),
    "too long within others": (
        [b"a\n123456789\nb\n123456789"],
        ["a", "12345678+", "9", "b", "12345678+", "9"],
    ),
    "no character is cut": ([b"1234567\xc3\xbc\n"], ["1234567+", "ü"]),
    "what is no text is cut anywhere": (
        [b"\x80" * 9 + b"\n"],
        ["\N{REPLACEMENT CHARACTER}" * 8 + "+", "\N{REPLACEMENT CHARACTER}"],
    ),
}


@pytest.mark.parametrize(("chunks", "lines"), CASES.values(), ids=CASES.keys())
def test_lines(chunks: list[bytes], lines: list[str]) -> None:
    assert cut(*chunks) == lines


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_no_cut_of_the_pipe_changes_a_line(chunks: list[bytes], limit: int) -> None:
    cutter = LineCutter(limit)
    for chunk in chunks:
        cutter.feed(chunk)
        assert len(cutter._held) <= limit
    whole = b"".join(chunks)
    if max(map(len, whole.split(b"\n"))) <= limit:
        assert cut(*chunks, limit=limit) == cut(whole, limit=limit)


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))),
    st.integers(4, 30),
    st.data(),
)
def test_nothing_of_a_text_is_lost(lines: list[str], limit: int, data: st.DataObject) -> None:
    whole = "".join(f"{line}\n" for line in lines).encode()
    at = data.draw(st.integers(0, len(whole)))
    cutter = LineCutter(limit)
    found, goes_on = list[str](), False
    for one in (cutter.feed(whole[:at]), cutter.feed(whole[at:]), cutter.flush()):
        for place, text in enumerate(one.texts):
            found += [text] if not goes_on else []
            if goes_on:
                found[-1] += text
            goes_on = place in one.unfinished
    assert found == lines
