"""Reads Claude Code's screen: what has the keyboard, and what stands in the input box. It fails closed.

Measured on Claude Code 2.1.329 (tests/corpus/screens). The input box is what stands between the last two
rules, begins with `❯` (`!` in shell mode), and holds the cursor. Ghost text in it is dim (SGR 2), but for its
first character, which the cursor covers in inverse video. The footer's `esc to interrupt` gives way to any
draft, ours too; the spinner above the box stays.

Everything that is not surely one of the known screens is UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ccmux.core.observation import PaneView, Screen, ScreenKind

_TEXT_COLUMN = 2  # the box's text stands behind `❯` and a no-break space, or behind two spaces

_ESCAPE = re.compile(
    r"\x1b\[([0-9;:]*)m|\x1b\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x0e\x0f]"
)
_RULE = re.compile(r"─{2,}(?: .* )?─+")
_SHORTEST_RULE = 8
_BOX_START = re.compile(r"(?!❯ \d+\. )[❯!](?:\s|$)")
_SPINNER = re.compile(r"[·✢✳✶✻✽*] (?:.*…(?: \(|$)|.* retrying in \d+s)")
_SPINNER_ROWS = 6  # the spinner has a tip of some rows below it, and a blank row above the box

_STASHED = re.compile(r"\bdraft stashed\b")
_FOOTER_ROW = re.compile(
    r"  (?:[⏸⏵]|! for shell mode|paste again to expand|-- [A-Z]+ --)"
    r"|.*(?:· /effort|ctrl\+y to paste del|ctrl\+g to edit in |draft stashed|draft restored)"
)
"""A row that also tells of a stash, where there is one; a list of commands or files stands in its place."""

_ATTACH = "attach with `ccmux attach` and "


@dataclass(frozen=True, slots=True)
class _Dialog:
    kind: ScreenKind
    name: str
    """For a person."""
    way_out: str
    words: re.Pattern[str]


def _dialog(kind: ScreenKind, name: str, way_out: str, words: str) -> _Dialog:
    return _Dialog(kind, name, _ATTACH + way_out, re.compile(words))


# The order tells: a start-up dialog also offers `Esc to cancel`.
_DIALOGS = (
    _dialog(
        ScreenKind.STARTUP, "folder trust", "choose whether you trust this folder", "Yes, I trust this folder"
    ),
    _dialog(
        ScreenKind.STARTUP,
        "bypass permissions warning",
        "accept or refuse, or set another permission mode",
        "running in Bypass Permissions mode",
    ),
    _dialog(
        ScreenKind.STARTUP,
        "API key",
        "choose whether Claude may use ANTHROPIC_API_KEY, or take it out of the environment",
        "Detected a custom API key in your environment",
    ),
    _dialog(
        ScreenKind.STARTUP,
        "MCP server approval",
        "choose which servers of .mcp.json Claude may use",
        "(?i)new MCP servers? found in this project",
    ),
    _dialog(ScreenKind.STARTUP, "theme", "choose a theme", "Let's get started"),
    _dialog(ScreenKind.STARTUP, "security notes", "press Enter", "Security notes:.*Press Enter to continue"),
    _dialog(ScreenKind.STARTUP, "login", "log in", "Select login method:(?!.*Esc to cancel)"),
    _dialog(ScreenKind.PERMISSION, "question", "answer it", r"\d\. Chat about this"),
    _dialog(
        ScreenKind.PERMISSION,
        "permission prompt",
        "answer it",
        r"❯ \d\. .*\b\d\. No\b|\b\d\. .*❯ \d\. No\b|Esc to cancel · Tab to amend",
    ),
    _Dialog(
        # The process sleeps on, in state S: a pane's own process has no shell that could stop it.
        ScreenKind.DIALOG,
        "suspended by Ctrl-Z",
        "send Claude's process the signal CONT: kill -CONT PID",
        re.compile(r"Claude Code is suspended\."),
    ),
    _dialog(ScreenKind.DIALOG, "transcript view", "press Ctrl-O", "Showing detailed transcript"),
    _dialog(ScreenKind.DIALOG, "dialog", "press Esc", r"\bEsc to \w+"),
)

_UNTITLED = ("permission prompt", "dialog")  # their heading on the screen, where one is left, says more


def read_screen(view: PaneView) -> Screen:
    """Return what the pane shows. A dead pane is UNKNOWN: what it still shows has no keyboard."""
    if view.dead:
        return Screen(kind=ScreenKind.UNKNOWN)
    rows = list(_read_rows(view.rows))
    texts = [row.text for row in rows]
    rules = [at for at, text in enumerate(texts) if _is_rule(text)]
    box = _box(texts, rules, cursor_row=view.cursor[1])
    if box is None:
        return _without_box(texts[rules[-1] + 1 :] if rules else texts, titled=bool(rules))
    footer = _flat(texts[box.stop + 1 :])
    spinner = any(_SPINNER.match(text) for text in texts[max(0, box.start - 1 - _SPINNER_ROWS) : box.start])
    return Screen(
        kind=ScreenKind.PROMPT,
        draft=_draft(rows[box.start : box.stop], cursor_column=view.cursor[0]),
        busy="esc to interrupt" in footer or spinner,
        login_needed="Not logged in" in footer,
        stashed=_stashed(texts[box.stop + 1 :]),
    )


def _stashed(below: Sequence[str]) -> bool | None:
    """Return whether the rows below the box tell of a stash, None: they could not."""
    if not any(_FOOTER_ROW.match(row) for row in below):
        return None
    return any(_STASHED.search(row) for row in below)


def _box(texts: Sequence[str], rules: Sequence[int], *, cursor_row: int) -> range | None:
    """Return the rows of the input box, or None. A box taller than the terminal has lost its upper rule."""
    if not rules:
        return None
    start = rules[-2] + 1 if len(rules) > 1 else 0
    box = range(start, rules[-1])
    if cursor_row not in box:
        return None
    inner = texts[start : rules[-1]]
    begins = _BOX_START.match(inner[0]) is not None
    if not begins and (start or not any(inner)):
        return None
    if any(text[:_TEXT_COLUMN].strip() for text in inner[begins:]):
        return None
    return box


def _draft(rows: Sequence[_Row], *, cursor_column: int) -> str:
    lines = [row.typed_behind(_TEXT_COLUMN) for row in rows]
    if rows[0].text.startswith("!"):
        lines[0] = "!" + lines[0]
    draft = "\n".join(lines)
    if not draft:
        # Blanks leave no trace in a capture but the cursor's place.
        return " " * (cursor_column - _TEXT_COLUMN)
    return draft


def _without_box(texts: Sequence[str], *, titled: bool) -> Screen:
    """Read what stands below the last rule, or everything; only below a rule the first row is a title."""
    flat = _flat(texts)
    for dialog in _DIALOGS:
        if dialog.words.search(flat):
            name = _title(texts) if titled and dialog.name in _UNTITLED else dialog.name
            return Screen(kind=dialog.kind, dialog=name, way_out=dialog.way_out)
    return Screen(kind=ScreenKind.UNKNOWN)


def _title(texts: Sequence[str]) -> str:
    """Return a dialog's heading; the tabs beside it stand two blanks apart."""
    first = next(text.strip() for text in texts if text.strip())
    return re.split(r"\s{2,}", first)[0]


def _flat(texts: Sequence[str]) -> str:
    return " ".join(" ".join(texts).split())


def _is_rule(text: str) -> bool:
    """Tell whether a row is a rule over the whole width; a session's name may stand in it."""
    return len(text) >= _SHORTEST_RULE and _RULE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Cell:
    char: str
    dim: bool
    inverse: bool


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[_Cell, ...]

    @property
    def text(self) -> str:
        return "".join(cell.char for cell in self.cells).rstrip()

    def typed_behind(self, column: int) -> str:
        """Return the text from a column on, without ghost text."""
        cells = self.cells[column:]
        followers = (*cells[1:], _Cell("", dim=False, inverse=False))
        return "".join(
            cell.char
            for cell, behind in zip(cells, followers, strict=False)
            if not cell.dim and not (cell.inverse and behind.dim)
        ).rstrip()


def _read_rows(rows: Sequence[str]) -> Iterator[_Row]:
    """Yield rows of cells; tmux carries a row's last colours over to the next row."""
    dim = inverse = False
    for row in rows:
        cells: list[_Cell] = []
        at = 0
        for escape in _ESCAPE.finditer(row):
            cells += [_Cell(char, dim, inverse) for char in row[at : escape.start()]]
            at = escape.end()
            if escape[1] is not None:
                dim, inverse = _styled(escape[1], dim=dim, inverse=inverse)
        cells += [_Cell(char, dim, inverse) for char in row[at:]]
        yield _Row(tuple(cells))


def _styled(parameters: str, *, dim: bool, inverse: bool) -> tuple[bool, bool]:
    """Apply one SGR sequence (ECMA-48 8.3.117); colours take their own parameters with them."""
    codes = iter(parameters.split(";"))
    for code in codes:
        match code:
            case "" | "0":
                dim = inverse = False
            case "2":
                dim = True
            case "22":
                dim = False
            case "7":
                inverse = True
            case "27":
                inverse = False
            case "38" | "48" | "58":
                for _ in range(1 if next(codes, "") == "5" else 3):
                    next(codes, "")
    return dim, inverse
