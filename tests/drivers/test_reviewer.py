"""One question to one Claude Code ends, whatever that does, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ccmux.drivers.reviewer import Printed, Reviewer
from ccmux.trial.waiting import until


def reviewer(tmp_path: Path, script: str, *, limit_s: float = 60.0) -> Reviewer:
    environment = {"PATH": os.environ["PATH"]}
    return Reviewer(["sh", "-c", script, "claude"], environment=environment, folder=tmp_path, limit_s=limit_s)


def ask(one: Reviewer, question: str = "q") -> Printed:
    return asyncio.run(one.ask(question, system_prompt="be fair", schema="{}"))


def runs(word: str) -> bool:
    """Whether a process has this among its words."""
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            if word.encode() in cmdline.read_bytes().split(b"\0"):
                return True
    return False


def test_the_question_comes_in_the_words_stand_behind_and_what_is_printed_comes_back(tmp_path: Path) -> None:
    printed = ask(reviewer(tmp_path, 'pwd; cat; printf "%s|" "$@"'), "über \udcff")
    folder, rest = printed.out.decode().split("\n")
    assert (folder, printed.failure) == (str(tmp_path), "")
    question, _, words = rest.partition("--print|")
    assert question == "über ?"
    assert words.split("|") == [
        *("--output-format", "json", "--safe-mode", "--setting-sources", "", "--tools", ""),
        *("--strict-mcp-config", "--disable-slash-commands", "--no-session-persistence"),
        *("--json-schema", "{}", "--system-prompt", "be fair", ""),
    ]


def test_one_that_fails_says_why(tmp_path: Path) -> None:
    assert ask(reviewer(tmp_path, "echo first >&2; echo 'unknown option' >&2; exit 1")) == Printed(
        failure="unknown option"
    )
    assert ask(reviewer(tmp_path, "exit 3")) == Printed(failure="exit code 3")
    assert ask(reviewer(tmp_path, "echo '{}'; exit 1")) == Printed(out=b"{}\n")


def test_one_that_is_no_program_says_so(tmp_path: Path) -> None:
    one = Reviewer([str(tmp_path)], environment={}, folder=tmp_path, limit_s=1)
    assert ask(one) == Printed(failure=f"{tmp_path} does not start: Permission denied")


def test_one_that_does_not_read_answers_all_the_same(tmp_path: Path) -> None:
    assert ask(reviewer(tmp_path, "echo '{}'"), "x" * 1_000_000) == Printed(out=b"{}\n")


@pytest.fixture
def naptime() -> str:
    """Return a number of seconds that nobody else sleeps."""
    return f"1000.{os.getpid()}{time.monotonic_ns()}"


def test_one_that_takes_too_long_ends_with_all_it_started(tmp_path: Path, naptime: str) -> None:
    one = reviewer(tmp_path, f"sleep {naptime} & wait", limit_s=0.3)
    assert ask(one) == Printed(failure="no answer within 0.3 s")
    until(lambda: not runs(naptime), "nothing sleeps")


def test_one_that_is_cancelled_ends_with_all_it_started(tmp_path: Path, naptime: str) -> None:
    async def story() -> None:
        one = reviewer(tmp_path, f"sleep {naptime} & wait")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(one.ask("q", system_prompt="", schema=""), name="reviewer")
            await asyncio.to_thread(until, lambda: runs(naptime), "it sleeps")
            task.cancel()

    asyncio.run(story())
    until(lambda: not runs(naptime), "nothing sleeps")
