"""What somebody's blocklist names is found in any case, script and spelling, never within another word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.privacy.blocklist import Blocklist

FOUND = {
    "as it is": ("Muster", "Muster"),
    "in another case": ("Muster", "x MUSTER, y"),
    "in a file's name": ("Max Muster", "notes/max_muster.txt"),
    "joined": ("Max Muster", "MaxMuster@"),
    "over a line's end": ("Max Muster", "# by Max\n# Muster"),
    "behind a digit": ("Max", "max1 2max"),
    "behind an underscore": ("Max", "_max_"),
    "in CJK": ("张三", "我叫张三丰"),
    "a Latin name in CJK": ("Max", "我是Max啊"),
    "Korean with its particle": ("김민수", "김민수는"),
    "Thai": ("สมชาย", "คุณสมชายครับ"),
    "a home after a blank": ("/home/myuser", "cd /home/myuser/x"),
    "a number": ("4711 0815", "tel 4711-0815."),
    "taken apart": ("Krüger", unicodedata.normalize("NFD", "frau krüger")),
    "written apart": (unicodedata.normalize("NFD", "Krüger"), "frau krüger"),
    "signs of regexes": ("a.b*c", "a.b*c"),
    "behind letters that grow": ("Max", "İİİ MAX"),
}  # fmt: skip
NOT_FOUND = {
    "within a word": ("Tim", "timestamp and Optimum"),
    "within an umlaut's word": ("Kr", "Krüger"),
    "within a number": ("4711", "47112 04711"),
    "a comment": ("# Muster", "# Muster"),
    "blank lines": ("\n  \n", " \n\n"),
    "signs alone": ("---", "---"),
    "too far apart": ("Max Muster", "Max and Muster"),
    "any sign in a dot's place": ("a.b", "axb"),
}


@pytest.mark.parametrize(("entry", "text"), FOUND.values(), ids=FOUND.keys())
def test_found(entry: str, text: str) -> None:
    assert list(Blocklist(f"# mine\n{entry}\n").find(text))


@pytest.mark.parametrize(("entry", "text"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_not_found(entry: str, text: str) -> None:
    assert list(Blocklist(entry).find(text)) == []


def test_each_place_is_told() -> None:
    blocklist = Blocklist("Max\nMuster")
    assert sorted(blocklist.find("Max, Muster, max")) == [(0, 3), (5, 11), (13, 16)]
    assert len(blocklist) == 2
    assert len(Blocklist("# nothing")) == 0


@given(st.text(), st.text())
def test_any_line_is_an_entry_and_places_lie_in_the_text(entry: str, text: str) -> None:
    for start, end in Blocklist(entry).find(f"{text} {entry} {text}"):
        assert 0 <= start < end


@given(
    st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1),
    st.sampled_from([" ", "\n", "_", "/", "-"]),
)
def test_a_name_between_signs_is_always_found(name: str, sign: str) -> None:
    assert list(Blocklist(name).find(f"x{sign}{name}{sign}x"))
