"""Reading the screen: the corpus of real ones, and what must never be taken for an empty input box."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.observation import PaneView, ScreenKind
from ccmux.core.screen import read_screen
from tests.screens import Captured, all_captured, captured

RULE = "─" * 40


def view(*rows: str, cursor: tuple[int, int] = (2, 1)) -> PaneView:
    return PaneView(rows=rows, cursor=cursor, in_mode=False, dead=False, human_idle_s=None)


@pytest.mark.parametrize("screen", all_captured(), ids=lambda screen: screen.name)
def test_a_real_screen_is_read_as_a_person_reads_it(screen: Captured) -> None:
    seen = read_screen(screen.view)
    expected = screen.expected
    assert (seen.kind, seen.draft, seen.busy, seen.dialog, seen.login_needed) == (
        expected["kind"],
        expected.get("draft", ""),
        expected.get("busy", False),
        expected.get("dialog", ""),
        expected.get("login_needed", False),
    )


@pytest.mark.parametrize("screen", all_captured(), ids=lambda screen: screen.name)
def test_every_dialog_names_a_way_out_and_nothing_else_does(screen: Captured) -> None:
    seen = read_screen(screen.view)
    assert bool(seen.way_out) == bool(seen.dialog)
    assert bool(seen.dialog) == (seen.kind in {ScreenKind.STARTUP, ScreenKind.PERMISSION, ScreenKind.DIALOG})


def test_the_corpus_covers_every_kind() -> None:
    assert {screen.expected["kind"] for screen in all_captured()} == set(ScreenKind)


def test_what_a_dead_pane_still_shows_is_no_prompt() -> None:
    fresh = captured("prompt/fresh")
    assert read_screen(replace(fresh.view, dead=True)).kind is ScreenKind.UNKNOWN


@pytest.mark.parametrize(
    ("row", "draft"),
    {
        "an empty box": ("❯\u00a0\x1b[7m \x1b[0m", ""),
        "ghost text under the cursor": ("❯\u00a0\x1b[7mT\x1b[0;2mry this\x1b[0m", ""),
        "ghost text without a cursor": ("❯\u00a0\x1b[2mTry this\x1b[22m", ""),
        "a draft with the cursor on its first letter": ("❯\u00a0\x1b[7mT\x1b[0mry this", "Try this"),
        "a draft of one letter under the cursor": ("❯\u00a0\x1b[7mx\x1b[27m", "x"),
        "a draft with ghost text behind it": ("❯\u00a0/mo\x1b[7md\x1b[0;2mel\x1b[0m", "/mo"),
        "a colour is not dim: 256 colours": ("❯\u00a0\x1b[38;5;2mgreen\x1b[39m", "green"),
        "a colour is not dim: true colour": ("❯\u00a0\x1b[48;2;2;2;2mred\x1b[49m", "red"),
        "a colour is not dim: colons": ("❯\u00a0\x1b[38:2::2:2:2mred\x1b[39m", "red"),
        "a cut colour": ("❯\u00a0\x1b[38mred", "red"),
        "bold is not dim": ("❯\u00a0\x1b[1mbold\x1b[m", "bold"),
        "dim ends: 22": ("❯\u00a0\x1b[2mghost\x1b[22m text", " text"),
        "dim ends: reset without a number": ("❯\u00a0\x1b[2mghost\x1b[m text", " text"),
        "dim behind a true colour": ("❯\u00a0\x1b[38;2;9;9;9;2mghost", ""),
        "inverse ends": ("❯\u00a0\x1b[7mab\x1b[27mc\x1b[2mghost", "abc"),
        "a link": ("❯\u00a0\x1b]8;;http://127.0.0.1\x1b\\here\x1b]8;;\x1b\\", "here"),
        "a draft that looks like a menu": ("❯\u00a01. Yes", "1. Yes"),
        "shell mode": ("!\u00a0ls", "!ls"),
        "no blank behind the sign": ("❯", ""),
    }.values(),
    ids=lambda value: None,
)
def test_only_what_is_dim_is_no_draft(row: str, draft: str) -> None:
    seen = read_screen(view(RULE, row, RULE, "  ? for shortcuts"))
    assert (seen.kind, seen.draft) == (ScreenKind.PROMPT, draft)


def test_dim_is_carried_over_to_the_next_row_as_tmux_writes_it() -> None:
    seen = read_screen(view(RULE, "❯\u00a0\x1b[2mghost", "  text\x1b[0m", RULE))
    assert seen.draft == "\n"
    assert read_screen(view(RULE + "\x1b[2m", "❯\u00a0ghost\x1b[0m", RULE)).draft == ""


def test_blanks_in_the_box_are_seen_by_the_cursor() -> None:
    assert read_screen(view(RULE, "❯\u00a0", RULE, cursor=(5, 1))).draft == "   "


@pytest.mark.parametrize(
    "rows",
    {
        "the cursor is elsewhere": ("", RULE, "❯\u00a0", RULE),
        "no rule": ("", "❯\u00a0"),
        "no rule below": (RULE, "❯\u00a0"),
        "a choice between two rules": (RULE, "❯ 1. Yes", RULE),
        "choices below a fake box": (RULE, "❯\u00a0", "❯ 1. Yes", "  2. No", RULE),
        "text at the margin inside": (RULE, "❯\u00a0", "Tea?", RULE),
        "no sign": (RULE, "  hello", RULE),
        "short lines are no rules": ("───", "❯\u00a0", "───"),
        "nothing between the rules": (RULE, RULE),
        "blank rows above the only rule": ("", "", "", RULE),
        "a sign that is glued to its text": (RULE, "❯hello", RULE),
    }.values(),
    ids=lambda value: None,
)
def test_what_is_not_surely_the_box_is_unknown(rows: tuple[str, ...]) -> None:
    assert read_screen(view(*rows)).kind is ScreenKind.UNKNOWN


@pytest.mark.parametrize("sign", ["❯ one", "  one"])
def test_of_a_box_taller_than_the_terminal_the_tail_is_read(sign: str) -> None:
    seen = read_screen(view(sign, "  two", RULE, "  manual mode"))
    assert (seen.kind, seen.draft) == (ScreenKind.PROMPT, "one\ntwo")


@pytest.mark.parametrize(
    ("above", "busy"),
    [
        ("✶ Pouncing… (1s · ↓ 22 tokens)", True),
        ("· Leavening…", True),
        ("✻ API error · retrying in 1s · attempt 1/10", True),
        ("✻ Brewed for 0s · done 1:57 PM", False),
        ("  * and so on…", False),
        ("● Well…", False),
    ],
)
def test_the_spinner_tells_while_a_draft_hides_the_footer(above: str, busy: bool) -> None:
    screen = view(above, "", RULE, "❯\u00a0a draft", RULE, "  manual mode", cursor=(9, 3))
    assert read_screen(screen).busy is busy


def test_words_of_a_dialog_in_an_answer_do_not_hide_the_box() -> None:
    said = "● Do you want to proceed? ❯ 1. Yes 2. No Esc to cancel. Yes, I trust this folder"
    seen = read_screen(view(said, "", RULE, "❯\u00a0", RULE, "  manual mode", cursor=(2, 3)))
    assert (seen.kind, seen.dialog) == (ScreenKind.PROMPT, "")


def test_a_permission_prompt_is_one_whichever_answer_is_chosen() -> None:
    rows = (RULE, " Bash command", " Do you want to proceed?", "   1. Yes", " ❯ 2. No")
    seen = read_screen(view(*rows, cursor=(1, 4)))
    assert (seen.kind, seen.dialog) == (ScreenKind.PERMISSION, "Bash command")


@given(st.lists(st.text(max_size=30), max_size=12), st.tuples(st.integers(0, 40), st.integers(0, 12)))
def test_it_never_raises(rows: list[str], cursor: tuple[int, int]) -> None:
    read_screen(view(*rows, cursor=cursor))


@given(
    st.lists(
        st.sampled_from(
            [
                RULE,
                "",
                "❯\u00a0",
                "❯ 1. Yes",
                "  2. No",
                "Tea?",
                "  text",
                " Esc to cancel",
                "! ls",
                "───── me ─",
            ]
        ),
        max_size=9,
    ),
    st.integers(0, 9),
)
def test_a_prompt_always_has_its_lower_rule_and_the_cursor_above_it(rows: list[str], cursor_row: int) -> None:
    seen = read_screen(view(*rows, cursor=(2, cursor_row)))
    if seen.kind is ScreenKind.PROMPT:
        rules = [at for at, row in enumerate(rows) if row.startswith("─")]
        assert cursor_row < rules[-1]
        inner = rows[rules[-2] + 1 if len(rules) > 1 else 0 : rules[-1]]
        assert "❯ 1. Yes" not in inner
        assert "Tea?" not in inner


@pytest.mark.parametrize(
    ("name", "stashed"),
    [
        ("prompt/draft-stashed", True),
        ("prompt/draft-one-line", False),
        ("prompt/draft-wide-60x15", False),
        ("prompt/pasted-two-lines", False),
        ("prompt/shell-mode-draft", False),
        ("prompt/vim-insert", False),
        ("prompt/bypass-mode", False),
        ("prompt/at-list", None),
        ("prompt/slash-menu", None),
        ("prompt/slash-menu-typed", None),
        ("prompt/draft-highlighted", None),
        ("dialog/help", None),
    ],
)
def test_a_stash_is_known_only_where_the_footer_could_tell_of_it(name: str, *, stashed: bool | None) -> None:
    assert read_screen(captured(name).view).stashed is stashed
