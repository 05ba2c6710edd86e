"""Git asks at each commit, and lets pass exactly what was reviewed, once, however it is committed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.privacy.repository import CHECKOUT, HOME, MAIL, Repository

pytestmark = pytest.mark.timeout(400)  # git starts many programs, one after the other

REVIEWED = """
from os import environ
from pathlib import Path
from ccmux.core.privacy.review import PARTS, Verdict
from ccmux.drivers.git import Repository
from ccmux.upkeep.privacy import Looking
from ccmux.upkeep.review import keep_token
git = Repository(environ)
keep_token(git, Looking(git, Path("nowhere/x")).staged(), {part: Verdict(passed=True) for part in PARTS})
"""

NOTHING_NEW = "nobody has reviewed what is staged"


def reviewed(repository: Repository, *, cwd: Path | None = None) -> None:
    """Leave the token that three reviews of what is staged would leave."""
    argv = [sys.executable, "-c", REVIEWED]
    subprocess.run(argv, cwd=cwd or repository.folder, env=repository.environment, check=True, timeout=100)


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    repository.commit({"a": "".join(f"{number}\n" for number in range(40))})
    repository.use_hooks()
    return repository


def test_a_commit_without_a_review_is_blocked_and_told_what_to_run(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    said = hooked.git("commit", "-m", "More", ok=False)
    assert "blocked: nobody has reviewed what is staged" in said
    command = str(CHECKOUT / "scripts/privacy_check.py")
    nearer = min(command, os.path.relpath(command, hooked.folder), key=len)
    assert f"run {nearer} --generate-token, then commit again" in said


def test_a_commit_with_something_personal_is_blocked_before_that(hooked: Repository) -> None:
    hooked.stage({"b": MAIL})
    said = hooked.git("commit", "-m", "More", ok=False)
    assert "b:1:1" in said
    assert "generate-token" not in said


def test_what_was_reviewed_is_committed_once(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    reviewed(hooked)
    token = hooked.folder / ".git/ccmux-privacy-token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert json.loads(token.read_bytes())["verdicts"] == {
        "identity": "pass",
        "secrets": "pass",
        "context": "pass",
    }
    hooked.git("commit", "-m", "More")
    assert not token.exists()
    hooked.git("reset", "--soft", "HEAD~1")
    assert NOTHING_NEW in hooked.git("commit", "-m", "Again", ok=False)


def test_what_was_staged_after_the_review_is_blocked(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    reviewed(hooked)
    hooked.stage({"c": "later"})
    assert "what is staged is not what was reviewed" in hooked.git("commit", "-m", "More", ok=False)
    hooked.git("rm", "--quiet", "--cached", "c")
    hooked.git("commit", "-m", "More")


def test_a_review_on_top_of_another_commit_is_none(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    reviewed(hooked)
    moved = ("commit", "--only", "--allow-empty", "-m", "Nothing")
    hooked.git("-c", "core.hooksPath=/dev/null", *moved)  # and b is staged still
    assert "HEAD is another commit than when it was reviewed" in hooked.git("commit", "-m", "x", ok=False)


def test_a_damaged_token_is_none(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    (hooked.folder / ".git/ccmux-privacy-token").write_text("{}")
    assert "the token is damaged" in hooked.git("commit", "-m", "More", ok=False)


def test_an_aborted_commit_does_not_cost_the_token(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    reviewed(hooked)
    hooked.git("commit", ok=False)  # the editor fails
    assert "message:1:1" in hooked.git("commit", "-m", MAIL, ok=False)
    hooked.git("commit", "-m", "More")


def test_commit_a_commits_what_was_reviewed_and_nothing_more(hooked: Repository) -> None:
    hooked.stage({"a": "changed"})
    reviewed(hooked)
    hooked.git("reset", "--quiet")
    hooked.git("commit", "-a", "-m", "More")
    hooked.stage({"a": "changed again"})
    reviewed(hooked)
    hooked.write("a", "and again")
    assert "is not what was reviewed" in hooked.git("commit", "-a", "-m", "More", ok=False)


def test_commit_p_commits_what_was_reviewed_and_nothing_more(hooked: Repository) -> None:
    lines = [f"{number}\n" for number in range(40)]
    lines[0], lines[39] = "first\n", "last\n"
    hooked.write("a", "".join(lines))
    hooked.git("add", "-p", given="y\nn\n")
    reviewed(hooked)
    hooked.git("reset", "--quiet")
    assert "is not what was reviewed" in hooked.git("commit", "-p", "-m", "More", given="y\ny\n", ok=False)
    hooked.git("commit", "-p", "-m", "More", given="y\nn\n")


def test_named_paths_are_committed_as_reviewed(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    reviewed(hooked)
    hooked.stage({"c": "not this one"})
    assert "is not what was reviewed" in hooked.git("commit", "-m", "More", ok=False)
    hooked.git("commit", "-m", "More", "b")


def test_a_commit_is_amended_by_what_was_reviewed(hooked: Repository) -> None:
    hooked.stage({"b": "hello"})
    assert NOTHING_NEW in hooked.git("commit", "--amend", "--no-edit", ok=False)
    reviewed(hooked)
    hooked.git("commit", "--amend", "--no-edit")
    hooked.git("commit", "--amend", "-m", "Another message: nothing new to review")
    assert "message:1:" in hooked.git("commit", "--amend", "-m", f"See {HOME}", ok=False)


def test_the_first_commit_is_reviewed_too(repository: Repository) -> None:
    repository.use_hooks()
    repository.stage({"b": "hello"})
    assert NOTHING_NEW in repository.git("commit", "-m", "First", ok=False)
    reviewed(repository)
    repository.git("commit", "-m", "First")


def test_a_working_tree_has_a_token_of_its_own(hooked: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    hooked.git("worktree", "add", "--quiet", "-b", "side", str(tree))
    for folder in (tree, hooked.folder):
        (folder / "b").write_text("hello")
        hooked.git("add", "b", cwd=folder)
    reviewed(hooked, cwd=tree)
    assert NOTHING_NEW in hooked.git("commit", "-m", "More", ok=False)
    hooked.git("commit", "-m", "More", cwd=tree)


def test_a_fork_may_do_without_reviews_and_is_told_so_each_time(hooked: Repository) -> None:
    hooked.write("ccmux.toml", "[privacy]\nrequire_token = false\n")
    hooked.stage({"b": "hello"})
    said = hooked.git("commit", "-m", "More")
    assert "[privacy] require_token = false: looked for by form and blocklist alone" in said
    hooked.stage({"b": MAIL})
    assert "b:1:1" in hooked.git("commit", "-m", "More", ok=False)
