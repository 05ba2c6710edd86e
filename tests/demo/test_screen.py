from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.demo import screen
from ccmux.demo.screen import Box, Entry, Kind
from ccmux.demo.text import width

SGR = re.compile(r"\x1b\[[0-9;]*[mK]")


def plain(rows: list[str]) -> list[str]:
    return [SGR.sub("", row).rstrip(" ") for row in rows]


def test_an_idle_box_reads_like_the_real_one() -> None:
    live = screen.box(Box(draft="", cursor=0, mode="default"), 100, 50)
    rows = plain(live.rows)
    assert rows[:5] == ["", "", "─" * 100, "❯\xa0", "─" * 100]
    assert rows[5].startswith("  ⏸ manual mode on · ? for shortcuts")
    assert live.cursor == (3, 2)


def test_a_busy_box_offers_to_interrupt_unless_a_draft_stands_in_it() -> None:
    busy = Box(draft="", cursor=0, mode="bypassPermissions", spinner="Working…")
    assert "(shift+tab to cycle) · esc to interrupt" in plain(screen.box(busy, 100, 50).rows)[-1]
    typing = Box(draft="hi", cursor=2, mode="bypassPermissions", spinner="Working…")
    assert "esc to interrupt" not in plain(screen.box(typing, 100, 50).rows)[-1]


def test_a_placeholder_is_dim_behind_its_first_character() -> None:
    live = screen.box(Box(draft="", cursor=0, mode="default", placeholder="Press up"), 100, 50)
    assert "❯\xa0\x1b[7mP\x1b[27m\x1b[2mress up" in live.rows[3]


def test_queued_prompts_stand_above_the_spinner() -> None:
    view = Box(draft="", cursor=0, mode="default", queued=("one", "two"), spinner="Working…")
    assert plain(screen.box(view, 60, 50).rows)[:7] == [
        "",
        "❯ one",
        "❯ two",
        "  ⎿  Queued · ctrl+x ctrl+s to send now",
        "",
        "✽ Working…",
        "",
    ]


@given(
    st.text(st.sampled_from("ab \n日😀"), max_size=300), st.integers(20, 120), st.integers(8, 60), st.data()
)
def test_the_box_fits_the_screen_and_the_cursor_stands_in_it(
    draft: str, columns: int, height: int, data: st.DataObject
) -> None:
    cursor = data.draw(st.integers(0, len(draft)))
    live = screen.box(Box(draft=draft, cursor=cursor, mode="default", right="draft stashed"), columns, height)
    assert len(live.rows) <= height
    assert all(width(row) <= columns for row in plain(live.rows)[:-2])
    row, column = live.cursor
    assert 0 <= row < len(live.rows)
    assert "\x1b[7m" in live.rows[row]
    assert 2 <= column < columns


@pytest.mark.parametrize("kind", list(Kind))
@given(text=st.text(st.sampled_from("ab \n日(\x1b\x07"), max_size=100))
def test_no_text_breaks_out_of_an_entry(kind: Kind, text: str) -> None:
    for row in screen.entry_rows(Entry(kind, text), 40):
        assert "\x1b" not in SGR.sub("", row)
        assert "\n" not in row


def test_the_transcript_view_has_no_input_box() -> None:
    assert not any("❯" in row for row in plain(screen.transcript_view(80).rows))


def test_a_dialog_taller_than_the_screen_shows_its_end() -> None:
    live = screen.dialog_live([f"row {n}" for n in range(30)], "Bash(x)", 80, 10)
    assert len(live.rows) == 10
    assert live.rows[-1] == "row 29"
