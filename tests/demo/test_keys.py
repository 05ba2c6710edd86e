from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.demo.keys import Key, KeyDecoder, Pasted, Press, Typed

READS: dict[str, tuple[bytes, list[Press]]] = {
    "letters": (b"hello", [Typed("hello")]),
    "CR submits": (b"\r", [Key("enter")]),
    "CR behind a few letters submits": (b"abc\r", [Typed("abc"), Key("enter")]),
    "LF is a line break": (b"a\nb", [Typed("a"), Key("newline"), Typed("b")]),
    "a tab is dropped": (b"a\tb", [Typed("a"), Typed("b")]),
    "control keys": (b"\x15\x13\x03\x7f", [Key("ctrl-u"), Key("ctrl-s"), Key("ctrl-c"), Key("backspace")]),
    "arrows": (b"\x1b[A\x1bOB", [Key("up"), Key("down")]),
    "an unknown sequence is nothing": (b"\x1b[?62;4ca", [Typed("a")]),
    "focus events are nothing": (b"\x1b[Ia", [Typed("a")]),
    "Meta-Enter is a line break": (b"\x1b\r", [Key("newline")]),
    "a paste": (b"\x1b[200~a\nb\x1b[201~", [Pasted("a\nb")]),
    "a paste and Enter in one read": (b"\x1b[200~a\x1b[201~\r", [Pasted("a"), Key("enter")]),
    "two Escapes": (b"\x1b\x1b", [Key("escape")]),
    "UTF-8": ("né😀".encode(), [Typed("né😀")]),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_is_these_presses(name: str) -> None:
    data, presses = READS[name]
    assert KeyDecoder().feed(data) == presses


def test_a_long_read_is_a_paste_so_its_cr_does_not_submit() -> None:
    assert KeyDecoder().feed(b"y" * 64 + b"\r") == [Pasted("y" * 64 + "\r")]
    assert KeyDecoder().feed(b"y" * 63 + b"\r")[-1] == Key("enter")


def test_a_lone_escape_is_the_key_once_nothing_followed() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.unfinished
    assert decoder.flush() == [Key("escape")]
    assert decoder.flush() == []


def test_an_escape_sequence_may_come_in_two_reads() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[") == []
    assert decoder.feed(b"A") == [Key("up")]


@given(st.text(st.characters(exclude_characters="\x1b", exclude_categories=["Cs"])), st.data())
def test_a_paste_arrives_whole_however_it_is_cut(text: str, data: st.DataObject) -> None:
    raw = b"\x1b[200~" + text.encode() + b"\x1b[201~"
    cut = data.draw(st.integers(0, len(raw)))
    decoder = KeyDecoder()
    presses = decoder.feed(raw[:cut])
    # a cut inside the start mark is a sequence that is not complete, never text
    presses += decoder.feed(raw[cut:])
    assert presses == [Pasted(text)]


@given(st.lists(st.binary()))
def test_no_bytes_break_it(reads: list[bytes]) -> None:
    decoder = KeyDecoder()
    for read in reads:
        for press in decoder.feed(read) + decoder.flush():
            if isinstance(press, Typed):
                assert press.text
                assert min(press.text) >= " "
