"""The scripted Messages API: what it takes for a prompt, and that the real CLI gets on with it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ccmux.demo.brain import Call, Say, Step, Think
from ccmux.trial.api import ScriptedApi, next_steps, prompt_of
from tests.claude.real import find_claude, scratch_home

CALL = Call("Bash", {"command": "true"})
USE = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("messages", "prompt", "calls"),
    [
        ([{"role": "user", "content": "hello"}], "hello", 0),
        ([{"role": "user", "content": [text("old"), text("<system-reminder>x")]}], "old", 0),
        ([{"role": "user", "content": "hello"}, {"role": "system", "content": [text("env")]}], "hello", 0),
        (
            [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": [text("well"), USE]},
                {"role": "user", "content": [RESULT, text("<system-reminder>x")]},
            ],
            "hello",
            1,
        ),
        (
            [
                {"role": "assistant", "content": [USE]},
                {"role": "user", "content": [RESULT, text("[Request interrupted by user]"), text("next")]},
            ],
            "next",
            0,
        ),
        ([], "", 0),
    ],
)
def test_the_newest_prompt_and_the_calls_since(
    messages: list[dict[str, Any]], prompt: str, calls: int
) -> None:
    assert prompt_of(messages) == (prompt, calls)


@pytest.mark.parametrize(
    ("calls_made", "steps"),
    [(0, [Think("a"), CALL]), (1, [Say("b"), CALL]), (2, [Say("c")]), (3, [Say("Nothing is left to do.")])],
)
def test_a_response_ends_at_a_call_and_the_next_goes_on_behind_it(calls_made: int, steps: list[Step]) -> None:
    assert next_steps([Think("a"), CALL, Say("b"), CALL, Say("c")], calls_made) == steps


@pytest.mark.real_claude
def test_the_real_cli_gets_an_answer_of_many_blocks(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with ScriptedApi() as api:
        environment = scratch_home(tmp_path / "home", project) | {"ANTHROPIC_BASE_URL": api.url}
        command = [find_claude(), "-p", "--permission-mode", "manual", "work hard"]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.strip() == "Done: hard"
        assert [prompt_of(body["messages"]) for body in api.requests] == [("work hard", 0), ("work hard", 1)]
