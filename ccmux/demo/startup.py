"""The dialogs before a session begins, with the options that Claude Code 2.1.329 preselects. Pure.

Answers: `exit` ends the program (so does Escape), anything else goes on.
"""

from __future__ import annotations

from ccmux.demo.dialogs import Dialog, Option
from ccmux.demo.text import GREY, ORANGE, PINK, RULE, YELLOW, bold, colour

_CONFIRM = "Enter to confirm · Esc to cancel"
_DOCS = "  https://code.claude.com/docs/en/security"
_SAFETY = (
    " Quick safety check: Is this a project you created or one you trust? (Like your own code, a well-known "
    "open source project, or work from your team). If not, take a moment to review what's in this folder "
    "first."
)
_DANGER = (
    "  In Bypass Permissions mode, Claude Code will not ask for your approval before running potentially "
    "dangerous commands."
)
_SANDBOX = (
    "  This mode should only be used in a sandboxed container/VM that has restricted internet access and "
    "can easily be restored if damaged."
)
_ACCEPT = (
    "  By proceeding, you accept all responsibility for actions taken while running in Bypass Permissions "
    "mode."
)
_SERVER = (
    "  MCP servers may execute code or access system resources. All tool calls require approval. Learn more "
    "in the MCP documentation."
)


def dialog(name: str, cwd: str) -> Dialog | None:
    """Return the start-up dialog `theme`, `trust`, `bypass` or `mcp`; None for another name."""
    match name:
        case "theme":
            return _theme()
        case "trust":
            return _trust(cwd)
        case "bypass":
            return _bypass()
        case "mcp":
            return _mcp()
        case _:
            return None


def _theme() -> Dialog:
    themes = (
        "Auto (match terminal)",
        "Dark mode",
        "Light mode",
        "Dark mode (colorblind-friendly)",
        "Light mode (colorblind-friendly)",
        "Dark mode (ANSI colors only)",
        "Light mode (ANSI colors only)",
    )
    return Dialog(
        waiting_for="",
        rule=RULE,
        head=(
            f"{colour(ORANGE, 'Welcome to Claude Code')} {colour(GREY, 'v2.1.329')}",
            "." * 58,
            "",
            " Let's get started.",
            "",
            f" {bold('Choose the text style that looks best with your terminal')}",
            f" {colour(GREY, 'To change this later, run /theme')}",
            "",
        ),
        options=tuple(Option(theme, "go on") for theme in themes),
    )


def _trust(cwd: str) -> Dialog:
    return Dialog(
        waiting_for="",
        rule=YELLOW,
        head=(
            f" {bold(colour(YELLOW, 'Accessing workspace:'))}",
            "",
            f" {bold(cwd)}",
            "",
            _SAFETY,
            "",
            " Claude Code'll be able to read, edit, and execute files here.",
            "",
            f" {colour(GREY, 'Security guide')}",
            "",
        ),
        options=(Option("No, exit", "exit"), Option("Yes, I trust this folder", "go on")),
        foot=("", f" {colour(GREY, _CONFIRM)}"),
    )


def _bypass() -> Dialog:
    title = "WARNING: Claude Code running in Bypass Permissions mode"
    return Dialog(
        waiting_for="",
        rule=PINK,
        head=(f"  {bold(colour(PINK, title))}", "", _DANGER, _SANDBOX, "", _ACCEPT, "", _DOCS, ""),
        options=(Option("No, exit", "exit"), Option("Yes, I accept", "go on")),
        indent=2,
        foot=("", f"  \x1b[3m{colour(GREY, _CONFIRM)}\x1b[23m"),
    )


def _mcp() -> Dialog:
    return Dialog(
        waiting_for="",
        rule=YELLOW,
        head=(
            f"  {bold(colour(YELLOW, 'New MCP server found in this project: ccmux'))}",
            "",
            _SERVER,
            "",
        ),
        options=(
            Option("Use this MCP server", "go on"),
            Option("Use this and all future MCP servers in this project", "go on"),
            Option("Continue without using this MCP server", "go on"),
        ),
        selected=2,
        indent=2,
        foot=("", f"  \x1b[3m{colour(GREY, _CONFIRM)}\x1b[23m"),
    )
