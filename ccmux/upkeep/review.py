"""Has three reviewers judge what is staged, and writes the token where all pass. A commit may find it there.

What they judge is a tree that was written first: what is staged meanwhile is another one, and not reviewed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ccmux.core.errors import ClaudeNotFound
from ccmux.core.launch import claude_environment
from ccmux.core.privacy.review import PARTS, SCHEMA, Verdict, questions, read_verdict, system_prompt
from ccmux.core.privacy.token import Token, misfit, written
from ccmux.core.settings import Settings
from ccmux.drivers.git import Repository
from ccmux.drivers.reviewer import Reviewer
from ccmux.files import replace_file
from ccmux.upkeep.privacy import Looked

_TOKEN = "ccmux-privacy-token"  # noqa: S105 - a file's name; hooks/post-commit knows it, too
_TOKEN_BYTES = 65_536

_WITHOUT_REVIEW = "[privacy] require_token = false to go without reviews"

Heard = Callable[[str, Verdict], None]
"""Told each verdict as it comes, and whose it is."""


def why_blocked(repository: Repository, looked: Looked) -> str:
    """Return why what was looked through may not be committed; "" where its token fits, or nothing is new."""
    if not repository.changed(looked.base, looked.tree):
        return ""
    try:
        with repository.git_path(_TOKEN).open("rb") as file:
            content = file.read(_TOKEN_BYTES)
    except FileNotFoundError:
        content = None
    return misfit(content, tree=looked.tree, base=looked.base)


def review(
    diff: bytes, settings: Settings, *, environment: Mapping[str, str], heard: Heard
) -> Mapping[str, Verdict]:
    """Return what each reviewer says of a diff.

    Raises:
        ClaudeNotFound: There is no Claude Code to ask.

    """
    claude = settings.claude
    theirs = claude_environment(claude.env, claude.proxy, environment)
    program = shutil.which(claude.command[0], path=theirs.get("PATH", os.defpath))
    if program is None:
        raise ClaudeNotFound(claude.command[0], instead=_WITHOUT_REVIEW)
    fence = f"----- {secrets.token_hex(16)} -----"
    with tempfile.TemporaryDirectory(prefix="ccmux-review-") as folder:
        reviewer = Reviewer(
            [str(Path(program).absolute()), *claude.command[1:]],
            environment=theirs,
            folder=Path(folder),
            limit_s=settings.privacy.review_limit_s,
        )
        return asyncio.run(_all_parts(reviewer, questions(diff, fence), fence, heard))


def keep_token(repository: Repository, looked: Looked, verdicts: Mapping[str, Verdict]) -> None:
    """Write the token for what was looked through, where all passed; it takes the place of an older one."""
    says = {part: "pass" if verdict.passed else "fail" for part, verdict in verdicts.items()}
    token = Token(tree=looked.tree, base=looked.base, verdicts=says)
    replace_file(repository.git_path(_TOKEN), written(token), mode=0o600)


async def _all_parts(
    reviewer: Reviewer, asked: Sequence[str], fence: str, heard: Heard
) -> Mapping[str, Verdict]:
    async def judge(part: str) -> Verdict:
        verdict = await _judged(reviewer, asked, part, fence)
        heard(part, verdict)
        return verdict

    async with asyncio.TaskGroup() as group:
        tasks = {part: group.create_task(judge(part), name=f"reviewer of {part}") for part in PARTS}
    return {part: task.result() for part, task in tasks.items()}


async def _judged(reviewer: Reviewer, asked: Sequence[str], part: str, fence: str) -> Verdict:
    """Return the verdict on all pieces: the first that does not pass ends it."""
    for question in asked:
        printed = await reviewer.ask(question, system_prompt=system_prompt(part, fence), schema=SCHEMA)
        if printed.failure:
            return Verdict(passed=False, reasons=[f"it gave no verdict: {printed.failure}"])
        verdict = read_verdict(printed.out)
        if not verdict.passed:
            return verdict
    return Verdict(passed=True)
