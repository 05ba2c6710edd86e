import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.tmux_control import Answer, ControlParser, Notification, literal, quote

STREAM = (
    b"%begin 17 258 0\n%end 17 258 0\n"
    b"%session-changed $0 ccmux-x\n"
    b"%begin 17 300 1\nrow \xff\x00\x1b[1m one\n\n%end 17 299 1\n%begin 17 300 1\n%end 17 300 0\n"
    b"%session-changed $9 posing\n%end 17 300 1\n"
    b"%begin 18 301 1\nparse error: syntax error\n%error 18 301 1\n"
    b"%exit\n"
    b"not the protocol\n"
)
TOLD = [
    Answer(258, True, (), ours=False),
    Notification("session-changed", b"$0 ccmux-x"),
    Answer(
        300,
        True,
        (
            b"row \xff\x00\x1b[1m one",
            b"",
            b"%end 17 299 1",
            b"%begin 17 300 1",
            b"%end 17 300 0",
            b"%session-changed $9 posing",
        ),
        ours=True,
    ),
    Answer(301, False, (b"parse error: syntax error",), ours=True),
    Notification("exit", b""),
    Notification("", b"not the protocol"),
]


def test_a_block_ends_at_its_own_guard_alone_and_the_rest_are_notifications() -> None:
    assert ControlParser().feed(STREAM) == TOLD


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    parser = ControlParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    told = [one for start, end in itertools.pairwise(edges) for one in parser.feed(STREAM[start:end])]
    assert told == TOLD


@given(st.binary())
def test_no_bytes_break_the_parser(data: bytes) -> None:
    parser = ControlParser()
    parser.feed(data)
    # Whatever came before, only an open block can hide the next answer.
    told = parser.feed(b"\n%begin 1 2 1\n%end 1 2 1\n")
    assert Answer(2, True, (), ours=True) in told or parser._open is not None


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("", '""'),
        ("plain text;", '"plain text;"'),
        ('a"b\\c$HOME', r'"a\"b\\c\$HOME"'),
        ("~root", r'"\~root"'),
        ("one\ntwo\ttab\x1b\x7f", r'"one\ntwo\011tab\033\177"'),
        ("{#} 'é' %x", "\"{#} 'é' %x\""),
    ],
)
def test_an_argument_is_one_double_quoted_word(argument: str, word: str) -> None:
    assert quote(argument) == word


@given(st.text(st.characters(exclude_characters="\0")))
def test_a_quoted_argument_never_ends_the_line(argument: str) -> None:
    assert "\n" not in quote(argument)


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


@pytest.mark.parametrize(
    ("argument", "escaped"),
    [("a", "a"), ("#{pane_id}", "##{pane_id}"), ("##(x)", "####(x)"), ("x#[b##[", "x#[b##["), ("c#", "c##")],
)
def test_a_format_is_made_text(argument: str, escaped: str) -> None:
    assert literal(argument) == escaped
