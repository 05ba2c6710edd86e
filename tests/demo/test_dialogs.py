from __future__ import annotations

import re

import pytest

from ccmux.demo import dialogs, startup
from ccmux.demo.dialogs import CANCELLED, Dialog
from ccmux.demo.keys import Key, Pasted, Press, Typed

BASH = dialogs.bash("touch x", "Make x", "/p")
ASK = dialogs.question("Demo", "Why?", ["Yes", "No"])
TOOL = dialogs.mcp_tool("ccmux", "Send To Channel", {"channel": "a", "message": "b"}, "/p")

ANSWERS: dict[str, tuple[Dialog, list[Press], str | None]] = {
    "Enter says yes": (BASH, [Key("enter")], "yes"),
    "1 says yes": (BASH, [Typed("1")], "yes"),
    "4 says no": (BASH, [Typed("4")], "no"),
    "Escape cancels": (BASH, [Key("escape")], CANCELLED),
    "typed text and Enter approve it": (BASH, [Typed("hello there"), Key("enter")], "yes"),
    "a digit in typed text chooses": (BASH, [Typed("[14:30 chat] hi")], "yes"),
    "a paste does nothing": (BASH, [Pasted("1\n4")], None),
    "down, down, Enter": (BASH, [Key("down"), Key("down"), Key("enter")], "auto"),
    "up goes round": (BASH, [Key("up"), Key("enter")], "no"),
    "a tool: 3 says no": (TOOL, [Typed("3")], "no"),
    "a question: 2": (ASK, [Typed("2")], "No"),
    "a question: Escape declines": (ASK, [Key("escape")], CANCELLED),
    "a digit without option": (ASK, [Typed("9")], None),
    "help: Enter does nothing": (dialogs.help_pages(), [Key("enter"), Typed("1")], None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_keys_give_this_answer(name: str) -> None:
    dialog, presses, answer = ANSWERS[name]
    state: Dialog | str = dialog
    for press in presses:
        assert isinstance(state, Dialog)
        state = dialogs.pressed(state, press)
    assert (None if isinstance(state, Dialog) else state) == answer


@pytest.mark.parametrize(
    ("name", "answer"), [("trust", "exit"), ("bypass", "exit"), ("mcp", "go on"), ("theme", "go on")]
)
def test_a_blind_enter_takes_what_the_cli_preselects(name: str, answer: str) -> None:
    dialog = startup.dialog(name, "/p")
    assert dialog is not None
    assert dialogs.pressed(dialog, Key("enter")) == answer


def test_there_are_no_other_startup_dialogs() -> None:
    assert startup.dialog("login", "/p") is None


@pytest.mark.parametrize("columns", [40, 120])
def test_a_permission_dialog_reads_like_the_real_one(columns: int) -> None:
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", row) for row in dialogs.rows(BASH, columns)]
    assert plain[0] == "─" * columns
    assert plain[1] == " Bash command"
    assert " Do you want to proceed?" in plain
    assert " ❯ 1. Yes" in plain
    assert "   4. No" in plain
    assert plain[-1] == " Esc to cancel · Tab to amend"
