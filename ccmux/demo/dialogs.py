"""The dialogs of a running session, as Claude Code 2.1.329 shows them, and what a key does to them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ccmux.demo.keys import Key, Press, Typed
from ccmux.demo.text import (
    ACCENT,
    DASH,
    GREY,
    bold,
    colour,
    printable,
    wrap,
)

CANCELLED = ""
"""The answer of Escape."""


@dataclass(frozen=True, slots=True)
class Option:
    """One line to choose; `answer` is what the dialog returns for it."""

    label: str
    answer: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """A dialog on the screen.

    Attributes:
        waiting_for: What the registry says meanwhile; "" where there is no registry file yet.
        head: Paragraphs above the options, each with its own colours; "-" alone is a dashed line.
        options: None of them: only Escape leaves.
        numbered: A digit chooses at once.
        indent: Columns before the options' mark.
        last_apart: A rule stands above the last option.
    """

    waiting_for: str
    rule: int
    head: tuple[str, ...]
    options: tuple[Option, ...] = ()
    selected: int = 0
    numbered: bool = False
    indent: int = 1
    last_apart: bool = False
    foot: tuple[str, ...] = ()


def pressed(dialog: Dialog, press: Press) -> Dialog | str:
    """Return the dialog after a key, or the answer that this key gives. Pastes and other keys do nothing."""
    match press:
        case Key("escape" | "ctrl-c"):
            return CANCELLED
        case Key("enter") if dialog.options:
            return dialog.options[dialog.selected].answer
        case Key("up" | "down" as way) if dialog.options:
            step = -1 if way == "up" else 1
            return replace(dialog, selected=(dialog.selected + step) % len(dialog.options))
        case Typed(text) if dialog.numbered:
            for char in text:
                if char.isdecimal() and 0 < int(char) <= len(dialog.options):
                    return dialog.options[int(char) - 1].answer
    return dialog


def rows(dialog: Dialog, columns: int) -> list[str]:
    """Return the dialog as rows of the screen, its rule first."""
    drawn = [colour(dialog.rule, "─" * columns)]
    for paragraph in dialog.head:
        if paragraph == "-":
            drawn.append(colour(DASH, "╌" * columns))
        elif "\x1b" in paragraph:
            drawn.append(paragraph)
        else:
            margin = " " * (len(paragraph) - len(paragraph.lstrip(" ")))
            body = paragraph.strip()
            drawn += [margin + body[a:b] for a, b in wrap(body, columns - len(margin) - 1)]
    for at, option in enumerate(dialog.options):
        chosen = at == dialog.selected
        mark = colour(ACCENT, "❯") if chosen else " "
        number = colour(GREY, f"{at + 1}.") + " " if dialog.numbered else ""
        label = colour(ACCENT, option.label) if chosen else option.label
        if at and dialog.last_apart and at == len(dialog.options) - 1:
            drawn.append(colour(GREY, "─" * columns))
        drawn.append(f"{' ' * dialog.indent}{mark} {number}{label}")
        if option.detail:
            drawn.append(f"{' ' * (dialog.indent + 5)}{colour(GREY, option.detail)}")
    return drawn + list(dialog.foot)


_TIP = 'Tip: auto mode handles these prompts for you — choose "switch to auto mode" below'


def bash(command: str, description: str, cwd: str) -> Dialog:
    """Return the permission dialog for a command. Answers: `yes`, `always`, `auto`, `no`."""
    return Dialog(
        waiting_for="permission prompt",
        rule=ACCENT,
        head=(
            f" {bold(colour(ACCENT, 'Bash command'))}",
            f" {bold(_TIP)}",
            f" {colour(GREY, description)}",
            "-",
            *(f" {line}" for line in printable(command).split("\n")),
            "-",
            " Do you want to proceed?",
        ),
        options=(
            Option("Yes", "yes"),
            Option(f"Yes, and always allow access to {bold(cwd)} from this project", "always"),
            Option("Yes, and switch to auto mode · auto mode handles these prompts for you", "auto"),
            Option("No", "no"),
        ),
        numbered=True,
        foot=("", f" {colour(GREY, 'Esc to cancel · Tab to amend')}"),
    )


def mcp_tool(server: str, title: str, arguments: Mapping[str, Any], cwd: str) -> Dialog:
    """Return the permission dialog for a tool of an MCP server. Answers: `yes`, `always`, `no`."""
    name = f"{server} — {title}"
    return Dialog(
        waiting_for="permission prompt",
        rule=ACCENT,
        head=(
            f" {bold(colour(ACCENT, 'Tool use'))}",
            f" {name} Tool: (MCP)",
            "-",
            *(
                f" {key}: {printable(json.dumps(value, ensure_ascii=False))}"
                for key, value in arguments.items()
            ),
            "-",
            " Do you want to proceed?",
        ),
        options=(
            Option("Yes", "yes"),
            Option(f"Yes, and don't ask again for {name} commands in {cwd}", "always"),
            Option("No", "no"),
        ),
        numbered=True,
        foot=("", f" {colour(GREY, 'Esc to cancel · Tab to amend')}"),
    )


def question(header: str, text: str, labels: Sequence[str]) -> Dialog:
    """Return the picker of AskUserQuestion. Answers: the labels, or CANCELLED."""
    return Dialog(
        waiting_for="input needed",
        rule=GREY,
        head=(f"\x1b[38;5;16m\x1b[48;5;153m ☐ {header} \x1b[0m", "", bold(colour(231, text)), ""),
        options=(
            *(Option(label, label, label) for label in labels),
            Option(colour(GREY, "Type something."), CANCELLED),
            Option("Chat about this", CANCELLED),
        ),
        numbered=True,
        indent=0,
        last_apart=True,
        foot=("", colour(GREY, "Enter to select · ↑/↓ to navigate · Esc to cancel")),
    )


def help_pages() -> Dialog:
    """Return what /help shows."""
    return Dialog(
        waiting_for="dialog open",
        rule=ACCENT,
        head=(
            f"  {bold(colour(ACCENT, 'Help'))}  General   Commands   Custom commands",
            "",
            "  This is the demo agent of ccmux: it behaves as Claude Code does, and thinks and runs nothing.",
            "",
            "  Say: hello · wait 3 · run touch x · ask Why? · work on it · tell CHANNEL TEXT · fail",
            "",
            "  Shortcuts",
            "  ! for shell mode        esc esc to clear input    ctrl+z to suspend",
            "  / for commands          ctrl+o to see full transcript",
            "  backslash (\\) then enter for newline             ctrl+s to stash prompt",
            "",
            "  For more help: https://code.claude.com/docs/en/overview",
        ),
        foot=("", f"  {colour(GREY, '←/→ to switch · Esc to close')}"),
    )
