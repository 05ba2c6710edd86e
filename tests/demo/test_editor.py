from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.demo.editor import Editor, Folded, Submitted

OPEN = '\n\n<pasted_content id="0042">\n'

PASTES: dict[str, tuple[str, str]] = {
    "three lines stay inline": ("a\nb\nc", "a\nb\nc"),
    "800 characters stay inline": ("x" * 800, "x" * 800),
    "four lines are wrapped": (
        "a\nb\nc\nd",
        '\n\n<pasted_content id="0042">\na\nb\nc\nd\n</pasted_content id="0042">\n',
    ),
    "801 characters are wrapped": (
        "x" * 801,
        f'\n\n<pasted_content id="0042">\n{"x" * 801}\n</pasted_content id="0042">\n',
    ),
    "an end mark inside cannot end it": (
        "\n\n<Pasted_content\n</pasted_content",
        f'{OPEN}\n\n<\\Pasted_content\n<\\/pasted_content\n</pasted_content id="0042">\n',
    ),
    "so are 401 emoji: they are 802 UTF-16 units": (
        "😀" * 401,
        f'\n\n<pasted_content id="0042">\n{"😀" * 401}\n</pasted_content id="0042">\n',
    ),
    "outer white space goes": ("  a  \n ", "a"),
    "a tab is four spaces": ("a\tb", "a    b"),
    "CR, CRLF, NEL and U+2028 are line breaks": ("a\rb\r\nc", "a\nb\nc"),
    "NEL and U+2028 are line breaks": ("a\x85b\u2028c", "a\nb\nc"),
    "control characters are removed": ("a\x00\x1b\x07\x9bb", "ab"),
    "NFC": ("e\u0301", "é"),
    "invisible characters are removed": ("a\u200b\ufeff\xad\U000e0041b", "ab"),
    "a lone joiner is removed": ("a\u200db", "ab"),
    "a joiner between emoji stays": ("👩\u200d💻", "👩\u200d💻"),
    "VS16 stays": ("❤\ufe0f", "❤\ufe0f"),
}


@pytest.mark.parametrize("name", PASTES)
def test_what_is_pasted_arrives_so(name: str) -> None:
    pasted, arrives = PASTES[name]
    editor = Editor()
    editor.paste(pasted)
    submitted = editor.enter("0042")
    assert submitted is not None
    assert submitted.prompt == arrives
    assert editor.items == []


def test_a_typed_line_leads_a_folded_paste_which_the_box_shows_as_one_thing() -> None:
    editor = Editor()
    editor.type("lead:")
    editor.paste("1\n2\n3\n4")
    assert editor.shown == "lead:[Pasted text #1 +3 lines]"
    assert editor.enter("7777") == Submitted(
        'lead:\n\n<pasted_content id="7777">\n1\n2\n3\n4\n</pasted_content id="7777">\n', "lead:1\n2\n3\n4"
    )


def test_a_low_window_folds_sooner() -> None:
    editor = Editor()
    editor.paste("a\nb", 0)
    assert editor.shown == "[Pasted text #1 +1 lines]"


def test_backspace_removes_a_folded_paste_as_one_thing() -> None:
    editor = Editor()
    editor.paste("x" * 900)
    assert editor.items == [Folded(1, "x" * 900)]
    assert editor.shown == "[Pasted text #1]"
    editor.backspace()
    assert editor.items == []


@pytest.mark.parametrize(
    ("pasted", "count"), [("ab\u200fcd", "1 invisible character"), ("\u202aabcd\u202c", "2 invi")]
)
def test_a_bidi_control_stops_the_first_enter(pasted: str, count: str) -> None:
    editor = Editor()
    editor.paste(pasted)
    assert editor.enter("0000") is None
    assert count in editor.notice
    assert editor.enter("0000") == Submitted("abcd", "abcd")


def test_a_bidi_control_in_a_folded_paste_stops_it_too() -> None:
    editor = Editor()
    editor.paste("a\n\u200eb\nc\nd")
    assert editor.enter("0000") is None
    assert editor.items == [Folded(1, "a\nb\nc\nd")]


def test_backslash_and_enter_is_a_line_break() -> None:
    editor = Editor()
    editor.type("hi\\")
    assert editor.enter("0000") is None
    editor.type("you")
    assert editor.enter("0000") == Submitted("hi\nyou", "hi\nyou")


def test_an_empty_box_submits_nothing() -> None:
    editor = Editor()
    editor.type("  \n ")
    assert editor.enter("0000") is None
    assert editor.items == []


def test_ctrl_u_removes_line_by_line() -> None:
    editor = Editor()
    editor.type("one\ntwo")
    shown = []
    while editor.items:
        editor.kill_line()
        shown.append(editor.shown)
    assert shown == ["one\n", "one", ""]
    editor.kill_line()
    assert editor.shown == ""


def test_the_cursor_moves_and_types_where_it_stands() -> None:
    editor = Editor()
    editor.type("ad\nxy")
    for where in ("home", "left", "left"):
        editor.move(where)
    editor.type("bc")
    editor.move("end")
    assert (editor.shown, editor.shown_cursor) == ("abcd\nxy", 4)
    editor.move("right")
    editor.delete()
    editor.move("end")
    assert (editor.shown, editor.shown_cursor) == ("abcd\ny", 6)
    editor.move("right")
    assert editor.shown_cursor == 6


def test_a_stash_comes_back_byte_for_byte() -> None:
    editor = Editor()
    editor.type("my\ndraft")
    editor.paste("x" * 900)
    editor.stash()
    assert (editor.items, bool(editor.stashed)) == ([], True)
    editor.stash()
    assert editor.shown == "my\ndraft[Pasted text #1]"
    editor.clear()
    editor.stash()
    assert editor.items == []


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=200))
def test_visible_text_arrives_exactly(text: str) -> None:
    editor = Editor()
    editor.type(text.replace("\\", "/"))
    submitted = editor.enter("0000")
    assert submitted is not None
    assert submitted.prompt == unicodedata.normalize("NFC", text.replace("\\", "/"))


@given(
    st.lists(
        st.sampled_from(
            ["type", "paste", "backspace", "delete", "kill", "left", "home", "end", "stash", "enter"]
        )
    )
)
def test_no_order_of_keys_loses_the_cursor(actions: list[str]) -> None:
    editor = Editor()
    for action in actions:
        match action:
            case "type":
                editor.type("ab\n")
            case "paste":
                editor.paste("p" * 900)
            case "left" | "home" | "end":
                editor.move(action)
            case "kill":
                editor.kill_line()
            case "enter":
                editor.enter("0000")
            case _:
                getattr(editor, action)()
        assert 0 <= editor.cursor <= len(editor.items)
        assert 0 <= editor.shown_cursor <= len(editor.shown)
