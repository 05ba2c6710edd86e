"""What reaches Claude's input box is what Claude reports: each row was measured on Claude Code 2.1.329."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.sanitise import clean

CASES = {
    "plain": ("hello", "hello"),
    "outer white space": ("  \n a b \n\n", "a b"),
    "outer no-break space": ("\u00a0a\u3000", "a"),
    "a tab": ("a\tb", "a    b"),
    "line ends": ("a\r\nb\rc\u2028d\u2029e\u0085f\ng", "a\nb\nc\nd\ne\nf\ng"),
    "CRCRLF": ("a\r\r\nb", "a\n\nb"),
    "C0, DEL, C1": ("a\0\x01\x07\x08\x0b\x0c\x1b[31m\x7f\x80\x9bb", "a[31mb"),
    "end of a bracketed paste": ("a\x1b[201~\x03b", "a[201~b"),
    "NFC": ("e\u0301 \u1112\u1161\u11ab \u212a", "é \ud55c K"),
    "no NFKC": ("ﬁ ２ ™", "ﬁ ２ ™"),
    "composes across an invisible one": ("e\u200b\u0301", "é"),
    "zero width": ("a\u200b\u200c\u2060\ufeff\u00adb", "ab"),
    "bidi": ("a\u200e\u200f\u061c\u202a\u202e\u2066\u2069b", "ab"),
    "invisible operators": ("a\u2061\u2062\u2063\u2064\u206a\u206fb", "ab"),
    "fillers": ("a\u3164\u115f\u1160\uffa0\u034f\u17b4\u180e\u180bb", "ab"),
    "interlinear": ("a\ufff9\ufffa\ufffbb", "ab"),
    "tags": ("a\U000e0001\U000e0041\U000e007f\U000e0100\U000e0fffb", "ab"),
    "shorthand, music, hieroglyph controls": ("a\U0001bca0\U0001d173\U00013430b", "ab"),
    "variation selectors": ("a\ufe00\ufe0e\ufe0fb", "ab"),
    "lone surrogates": ("a\ud800b\udfffc", "abc"),
    "stays: spaces, private use, unassigned, noncharacters": (
        "a\u00a0\u2003\u3000\ue000\uf8ff\U000f0000\u0378\ufffe\ufdd0\ufffd\u2800b",
        "a\u00a0\u2003\u3000\ue000\uf8ff\U000f0000\u0378\ufffe\ufdd0\ufffd\u2800b",
    ),
    "heart": ("\u2764\ufe0f \u2764\ufe0e", "\u2764\ufe0f \u2764"),
    "keycap": ("1\ufe0f\u20e3 #\u20e3", "1\ufe0f\u20e3 #\u20e3"),
    "a digit is no emoji": ("1\ufe0f", "1"),
    "flag": ("🇩🇪", "🇩🇪"),
    "skin tone": ("👍🏽", "👍🏽"),
    "family": ("👨‍👩‍👧", "👨‍👩‍👧"),
    "rainbow flag": ("🏳️‍🌈", "🏳️‍🌈"),
    "runner": ("🏃🏽‍♀️", "🏃🏽‍♀️"),
    "stray joiners": ("a\u200db 👨\u200d \u200d👨 👨\u200da", "ab 👨 👨 👨a"),
    "two joiners": ("👨\u200d\u200d👩 \u2764\ufe0f\ufe0f", "👨👩 \u2764\ufe0f"),
    "a joiner before what composes to no emoji": ("\u2764\u200d\u2194\u200d\u0338", "\u2764\u21ae"),
    "the CLI's own wrapper": (
        'a <pasted_content id="1"> </Pasted-Content> <x',
        'a <\\pasted_content id="1"> <\\/Pasted-Content> <x',
    ),
    "the wrapper, hidden": (
        "<pas\u200bted_content < /paſted_content",
        "<\\pasted_content <\\ /paſted_content",
    ),
    "the wrapper, escaped": ("<\\pasted_content <\\/pasted_content", "<\\pasted_content <\\/pasted_content"),
    "no wrapper": ("<pastedcontent> <pasted content> <b>", "<pastedcontent> <pasted content> <b>"),
    "nothing left": ("\u200b\x00 \u202e", ""),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\u200d\ufe0f\u2764\u2194\u0338\U0001f468\U0001f3fd1\u20e3e\u0301\u200b\r\n\t <\\/"),
        st.characters(exclude_categories=[]),
    )
)
PIECES = st.lists(st.sampled_from(["<", "/", "\\", "pasted_content", " ", "\u200d", "❤", "\ufe0f", "\u0338"]))


@given(NASTY | PIECES.map("".join))
def test_cleaning_twice_changes_nothing_and_the_result_is_harmless(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in once)
