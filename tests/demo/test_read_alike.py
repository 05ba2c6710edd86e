"""What the demo agent draws and writes is read by the readers of the real CLI's, with the same outcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.observation import PaneView, Screen, ScreenKind
from ccmux.core.screen import read_screen
from ccmux.demo import dialogs, screen, startup
from ccmux.demo.screen import Box, Entry, Kind, Live

COLUMNS, HEIGHT = 100, 40
CONVERSATION = (
    Entry(Kind.BANNER, "Claude Code v2.1.329\ndemo\n/p"),
    Entry(Kind.PROMPT, "❯ no box\n❯ 1. Yes"),
    Entry(Kind.SAID, "─" * COLUMNS + "\n❯ hello\n" + "─" * COLUMNS),
    Entry(Kind.TOOL, "Bash(touch x)"),
    Entry(Kind.RESULT, "(demo: not run)"),
    Entry(Kind.DONE, "Worked for 0s · done 1:00 PM"),
)


def read(live: Live) -> Screen:
    above = [row for entry in CONVERSATION for row in screen.entry_rows(entry, COLUMNS)]
    rows = above + live.rows
    row, column = live.cursor
    blank = [""] * max(0, HEIGHT - len(rows))
    view = PaneView(
        rows=tuple(rows + blank),
        cursor=(column, len(above) + row),
        in_mode=False,
        dead=False,
        human_idle_s=None,
    )
    return read_screen(view)


def drawn(**fields: str) -> Screen:
    draft = fields.pop("draft", "")
    given = {"mode": "default", **fields}
    return read(screen.box(Box(draft=draft, cursor=len(draft), **given), COLUMNS, HEIGHT))  # type: ignore[arg-type]


def of_dialog(dialog: dialogs.Dialog) -> Screen:
    return read(screen.dialog_live(dialogs.rows(dialog, COLUMNS), "", COLUMNS, HEIGHT))


def test_an_empty_box() -> None:
    assert drawn() == Screen(kind=ScreenKind.PROMPT, stashed=False)
    assert drawn(placeholder="Once fixed, resend your message") == Screen(
        kind=ScreenKind.PROMPT, stashed=False
    )


@pytest.mark.parametrize("mode", screen.MODES)
def test_a_busy_box_in_every_mode(mode: str) -> None:
    assert drawn(mode=mode, spinner="Working… (3s)") == Screen(
        kind=ScreenKind.PROMPT, busy=True, stashed=False
    )
    assert drawn(mode=mode, spinner="Working…", draft="hi") == Screen(
        kind=ScreenKind.PROMPT, busy=True, draft="hi", stashed=False
    )


def test_nobody_logged_in() -> None:
    live = screen.box(Box(draft="", cursor=0, mode="default", login_needed=True), COLUMNS, HEIGHT)
    assert read(live).login_needed


@given(st.text(st.sampled_from("abc  \n-é日"), max_size=90))
def test_a_draft_is_read_as_it_stands(text: str) -> None:
    draft = "\n".join(line.rstrip() for line in f"x{text}".split("\n")).rstrip()
    if max(map(len, draft.split("\n"))) < COLUMNS // 2 - 4:
        assert drawn(draft=draft) == Screen(kind=ScreenKind.PROMPT, draft=draft, stashed=False)


def test_permission_dialogs_and_questions() -> None:
    bash = dialogs.bash("touch x", "Make x", "/p")
    tool = dialogs.mcp_tool("ccmux", "Send To Channel", {"channel": "a"}, "/p")
    asked = dialogs.question("Demo", "Why?", ["Yes", "No"])
    for dialog in (bash, tool, asked):
        assert of_dialog(dialog).kind is ScreenKind.PERMISSION


def test_other_dialogs() -> None:
    assert of_dialog(dialogs.help_pages()).kind is ScreenKind.DIALOG
    assert read(screen.transcript_view(COLUMNS)).kind is not ScreenKind.PROMPT


@pytest.mark.parametrize("name", ["theme", "trust", "bypass", "mcp"])
def test_startup_dialogs(name: str) -> None:
    dialog = startup.dialog(name, "/p")
    assert dialog is not None
    assert of_dialog(dialog).kind is ScreenKind.STARTUP
