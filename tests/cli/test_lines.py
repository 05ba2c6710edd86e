"""What we say fits eighty columns, and a command in it stays whole."""

from __future__ import annotations

from importlib import import_module

import pytest

from ccmux.cli import deploy, main
from ccmux.cli.lines import COLUMNS, help_lines, mend_lines
from ccmux.cli.program import exit_code

LONG = (
    "journalctl --user-unit ccmux-a.service -n 50 says why (what it printed: journalctl -t ccmux-a -n 50); "
    "then systemctl --user reset-failed ccmux-a.service && systemctl --user start ccmux-a.service"
)


def test_a_long_mend_is_broken_between_its_commands() -> None:
    assert mend_lines(LONG, 68) == [
        "journalctl --user-unit ccmux-a.service -n 50 says why",
        "(what it printed: journalctl -t ccmux-a -n 50);",
        "then systemctl --user reset-failed ccmux-a.service &&",
        "systemctl --user start ccmux-a.service",
    ]
    assert mend_lines(LONG, None) == mend_lines(LONG, 300) == [LONG]
    assert mend_lines("x" * 90, 68) == ["x" * 90], "there is nowhere to break it"


def test_help_is_filled_anew_and_comments_are_broken_below_themselves() -> None:
    words = ("so and " * 20).strip()
    text = f"{words}\nso.\n\nexamples:\n  ccmux doctor   {words}\n  {'x' * 90}  y\n"
    first, _, rest = help_lines(text).partition("\n\n")
    assert first.replace("\n", " ") == f"{words} so."
    head, *lines = rest.splitlines()
    assert head == "examples:"
    assert lines[0].startswith("  ccmux doctor   so and so")
    assert lines[1].startswith(" " * 17 + "so and")
    assert lines[-1] == f"  {'x' * 90}  y", "a command is not broken"


@pytest.mark.parametrize(
    ("program", "command"),
    [("ccmux", name) for name in ("", *main.COMMANDS)]
    + [("ccmux-deploy", name) for name in ("", *deploy.COMMANDS)],
)
def test_the_help_of_every_command_fits(
    program: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    run = import_module("ccmux.cli.main" if program == "ccmux" else "ccmux.cli.deploy").main
    assert exit_code(program, lambda: run([*([command] if command else []), "--help"])) == 0
    assert too_long(capsys.readouterr().out) == []


@pytest.mark.parametrize("module", ["ccmux.cli.relay", "ccmux.cli.overseer", "ccmux.demo.main"])
def test_the_help_of_every_other_program_fits(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    assert import_module(module).main(["--help"], {}) == 0
    assert too_long(capsys.readouterr().out) == []


def too_long(told: str) -> list[str]:
    assert told
    return [line for line in told.splitlines() if len(line) > COLUMNS]
