"""What the demo agent's screen looks like: rows with colours, in the layout of Claude Code 2.1.329. Pure.

Two parts: entries of the conversation, which only scroll, and the live part below them, which is redrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ccmux.demo.text import (
    ACCENT,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RULE,
    WHITE,
    YELLOW,
    bold,
    colour,
    dim,
    printable,
    reverse,
    width,
    wrap,
)

MODES = {
    "default": (GREY, "⏸ manual mode on"),
    "plan": (GREY, "⏸ plan mode on"),
    "auto": (YELLOW, "⏵⏵ auto mode on"),
    "acceptEdits": (ACCENT, "⏵⏵ accept edits on"),
    "dontAsk": (PINK, "⏵⏵ don't ask on"),
    "bypassPermissions": (PINK, "⏵⏵ bypass permissions on"),
}
"""Permission modes as hooks name them, and what the footer says."""


class Kind(Enum):
    """Kinds of entries in the conversation."""

    BANNER = "the program, its kind and the folder"
    PROMPT = "what a person submitted"
    SHELL = "what a person ran with !"
    SAID = "Claude's words"
    FAILED = "an error of the API or an unknown command"
    THOUGHT = "a thinking block, folded"
    TOOL = "a tool call: name(argument)"
    RESULT = "what belongs to the entry above"
    BAD_RESULT = "an error that belongs to the entry above"
    CALLED = "a call of an MCP server, folded"
    DONE = "the line that ends a turn"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the conversation."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The input box and what stands around it.

    Attributes:
        cursor: Index into `draft`.
        placeholder: Dimmed text in an empty box.
        spinner: What Claude does, "" when idle.
        left: A notice instead of the footer's left side.
        right: A notice at the footer's right side.
    """

    draft: str
    cursor: int
    mode: str
    queued: tuple[str, ...] = ()
    placeholder: str = ""
    spinner: str = ""
    tool: str = ""
    left: str = ""
    right: str = ""
    login_needed: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """The live part: rows, and the cursor's row and column in it."""

    rows: list[str]
    cursor: tuple[int, int]


def entry_rows(entry: Entry, columns: int) -> list[str]:
    """Return the rows of an entry, a blank one before it unless it belongs to the entry above."""
    text = printable(entry.text)
    match entry.kind:
        case Kind.BANNER:
            return _banner(text)
        case Kind.PROMPT:
            body = _hanging(text, columns, "❯ ")
            return ["", *(f"\x1b[48;5;237m{colour(WHITE, row)}\x1b[K\x1b[49m" for row in body)]
        case Kind.SHELL:
            body = _hanging(text, columns, "! ")
            return ["", *(f"\x1b[48;5;59m{colour(WHITE, row)}\x1b[K\x1b[49m" for row in body)]
        case Kind.SAID:
            first, *more = _hanging(text, columns, "● ")
            return ["", colour(WHITE, "●") + first[1:], *more]
        case Kind.FAILED:
            return ["", *(colour(YELLOW, row) for row in _hanging(text, columns, "● "))]
        case Kind.THOUGHT:
            return ["", f"  {colour(GREY, 'Thought for 1s (ctrl+o to expand)')}"]
        case Kind.CALLED:
            return ["", f"  {colour(GREY, f'Called {_one_line(text)} (ctrl+o to expand)')}"]
        case Kind.TOOL:
            return ["", *_tool(text, columns, GREEN)]
        case Kind.RESULT:
            return [colour(GREY, row) for row in _hanging(text, columns, "  ⎿  ")]
        case Kind.BAD_RESULT:
            return [colour(PINK, row) for row in _hanging(text, columns, "  ⎿  ")]
        case Kind.DONE:
            return ["", colour(GREY, f"✻ {_one_line(text)}")]


def box(view: Box, columns: int, height: int) -> Live:
    """Return the input box with spinner, queued prompts and footer, at most `height` rows."""
    above = [""]
    if view.tool:
        above += [*_tool(view.tool, columns, GREY), colour(GREY, "  ⎿  Running…"), ""]
    for text in view.queued:
        above += [colour(GREY, row) for row in _hanging(printable(text), columns, "❯ ")]
    if view.queued:
        above += [colour(GREY, "  ⎿  Queued · ctrl+x ctrl+s to send now"), ""]
    if view.spinner:
        above += [f"{colour(ORANGE, '✽')} {colour(ORANGE, view.spinner)}", ""]
    if len(above) == 1:
        above = ["", ""]
    drawn, (row, column) = _draft(view, columns)
    foot = _footer(view, columns)
    room = max(1, height - len(foot) - 4)
    if len(drawn) > room:
        first = max(0, min(row - room + 1, len(drawn) - room))
        drawn, row = drawn[first : first + room], row - first
    rule = colour(RULE, "─" * columns)
    rows = [*above, rule, *drawn, rule, *foot]
    cut = max(0, len(rows) - height)
    return Live(rows[cut:], (len(above) + 1 + row - cut, column))


def transcript_view(columns: int) -> Live:
    """Return the live part of the transcript view (Ctrl-O): there is no input box."""
    text = "Showing detailed transcript · ctrl+o to toggle · ctrl+e to show all"
    gap = " " * max(1, columns - 2 - len(text) - 2 - len("verbose"))
    return Live(["", dim("─" * columns), f"  {colour(GREY, text)}{gap}{colour(GREY, 'verbose')}"], (2, 0))


def dialog_live(dialog_rows: list[str], tool: str, columns: int, height: int) -> Live:
    """Return the live part while a dialog has the keyboard; `tool` is what waits for it, or ""."""
    above = ["", *_tool(tool, columns, GREY), colour(GREY, "  ⎿  Waiting…")] if tool else []
    rows = [*above, "", *dialog_rows][-height:]
    marked = [at for at, row in enumerate(rows) if "❯" in row]
    return Live(rows, (marked[0] if marked else len(rows) - 1, 1))


def _one_line(text: str) -> str:
    return text.replace("\n", " ")


def _banner(text: str) -> list[str]:
    title, kind, folder = [*text.split("\n", 2), "", ""][:3]
    return [
        f"{colour(ORANGE, ' ▐▛███▛█')}   {bold(title)}",
        f"{colour(ORANGE, '▝▜██████▀')}  {colour(GREY, kind)}",
        f"{colour(ORANGE, ' ▝▝   ▝▝')}   {colour(GREY, _one_line(folder))}",
    ]


def _tool(text: str, columns: int, dot: int) -> list[str]:
    first, *more = _hanging(text, columns, "● ")
    name, bracket, rest = first[2:].partition("(")
    return [f"{colour(dot, '●')} {bold(name)}{bracket}{rest}", *more]


def _hanging(text: str, columns: int, mark: str) -> list[str]:
    """Return rows of `text` that hang behind `mark`."""
    indent = " " * len(mark)
    rows = [text[a:b] for a, b in wrap(text, max(1, columns - len(mark) - 1))]
    return [(indent if at else mark) + row for at, row in enumerate(rows)]


def _draft(view: Box, columns: int) -> tuple[list[str], tuple[int, int]]:
    shell = view.draft.startswith("!")
    mark = colour(PINK, "!") if shell else (colour(GREY, "❯") if view.spinner else "❯")
    if not view.draft and view.placeholder:
        return [f"{mark}\xa0{reverse(view.placeholder[0])}{dim(view.placeholder[1:])}"], (0, 2)
    text, at = printable(view.draft), view.cursor
    if shell:
        text, at = text[1:], max(0, at - 1)
    rows: list[str] = []
    where = (0, 2)
    spans = wrap(text, max(1, columns - 4))
    for number, (start, end) in enumerate(spans):
        row = text[start:end]
        if start <= at <= end and (at < end or number + 1 == len(spans) or spans[number + 1][0] > at):
            where = (number, 2 + width(text[start:at]))
            row = text[start:at] + reverse(text[at:end][:1] or " ") + text[at + 1 : end]
        rows.append((f"{mark}\xa0" if number == 0 else "  ") + row)
    return rows, where


def _footer(view: Box, columns: int) -> list[str]:
    shade, name = MODES[view.mode]
    if view.left:
        left, length = colour(GREY, view.left), width(view.left)
    elif view.draft.startswith("!"):
        left, length = colour(PINK, "! for shell mode"), len("! for shell mode")
    else:
        more = "" if view.mode == "default" else " (shift+tab to cycle)"
        if view.spinner and not view.draft:
            more += " · esc to interrupt"
        elif not view.draft and view.mode == "default":
            more += " · ? for shortcuts"
        left, length = colour(shade, name) + colour(GREY, more), width(name + more)
    notices = [(PINK, "Not logged in · run /login")] if view.login_needed else []
    notices.append((GREY, view.right or "◐ medium · /effort"))
    rows: list[str] = []
    for at, (tint, text) in enumerate(notices):
        used = length if at == 0 else 0
        gap = columns - 4 - used - width(text)
        if gap < 1 and at == 0:
            rows.append(f"  {left}")
            gap, used = columns - 4 - width(text), 0
        rows.append(f"  {left if used else ''}{' ' * max(0, gap)}{colour(tint, text)}")
    return rows
