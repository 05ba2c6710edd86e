from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ccmux.demo.hooks import Decision, Hooks, decision


def hooks(tmp_path: Path, **events: list[dict[str, Any]]) -> Hooks:
    return Hooks(events, str(tmp_path), {"PATH": "/usr/bin:/bin"})


def command(text: str, **more: object) -> dict[str, Any]:
    return {"type": "command", "command": text, **more}


def test_a_command_gets_the_payload_and_the_environment(tmp_path: Path) -> None:
    fired = hooks(tmp_path, Stop=[{"hooks": [command('cat; echo " $CLAUDE_PROJECT_DIR $CLAUDECODE"')]}])
    [output] = fired.fire("Stop", {"session_id": "s", "x": "é"})
    assert output == f'{{"session_id":"s","x":"é"}} {tmp_path} 1\n'


def test_the_exec_form_needs_no_shell(tmp_path: Path) -> None:
    fired = hooks(tmp_path, Stop=[{"hooks": [command("/bin/echo", args=["a b", "$HOME"])]}])
    assert fired.fire("Stop", {}) == ["a b $HOME\n"]


def test_a_hook_has_no_terminal(tmp_path: Path) -> None:
    leads = command("cut -d' ' -f6 /proc/$$/stat; echo $$")
    session, pid = hooks(tmp_path, Stop=[{"hooks": [leads]}]).fire("Stop", {})[0].split()
    assert session == pid


def test_all_hooks_of_an_event_run_at_once(tmp_path: Path) -> None:
    """A FIFO opens only when both ends are there: one after the other would never end."""
    os.mkfifo(tmp_path / "door")
    both = [command("cat < door"), command("echo through > door")]
    assert hooks(tmp_path, Stop=[{"hooks": both}]).fire("Stop", {}) == ["through\n", ""]


@pytest.mark.parametrize("text", ["exit 1", "echo no; exit 2", "/no/such/program"])
def test_a_hook_that_fails_says_nothing(tmp_path: Path, text: str) -> None:
    assert hooks(tmp_path, Stop=[{"hooks": [command(text)]}]).fire("Stop", {}) == [""]


def test_a_hook_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    fired = hooks(tmp_path, Stop=[{"hooks": [command("/bin/sleep", args=["60"], timeout=0.05)]}])
    assert fired.fire("Stop", {}) == [""]


@pytest.mark.parametrize(
    ("matcher", "tool", "runs"),
    [
        ("", "Bash", True),
        ("*", "Bash", True),
        ("Bash", "Bash", True),
        ("Read|Bash", "Bash", True),
        ("Read, Bash", "Bash", True),
        ("Bas", "Bash", False),
        ("mcp__ccmux", "mcp__ccmux__send_to_channel", False),
        ("mcp__ccmux__.*", "mcp__ccmux__send_to_channel", True),
    ],
)
def test_matchers(tmp_path: Path, matcher: str, tool: str, runs: bool) -> None:
    fired = hooks(tmp_path, PreToolUse=[{"matcher": matcher, "hooks": [command("x"), {"type": "http"}]}])
    assert fired.commands("PreToolUse", tool) == (["x"] if runs else [])


def answer(**decided: str) -> str:
    return json.dumps({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decided}})


@pytest.mark.parametrize(
    ("outputs", "decided"),
    [
        ([], None),
        (["", "hello", "[]", "{}"], None),
        (["", answer(behavior="allow")], Decision(allow=True, message="")),
        ([answer(behavior="deny", message="not now")], Decision(allow=False, message="not now")),
    ],
)
def test_the_first_decision_counts(outputs: list[str], decided: Decision | None) -> None:
    assert decision(outputs) == decided
