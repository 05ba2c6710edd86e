"""What git is asked, and what of its trouble a person is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ccmux.core.errors import GitFailed
from ccmux.drivers import git
from ccmux.drivers.git import Repository

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.com",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run("init", "--quiet")
    return tmp_path


def run(*words: str, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    subprocess.run(["git", *words], env=environment, check=True)


def test_objects_come_whole_however_many_there_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_BATCH_BYTES", 100)
    contents = {f"{number}": os.urandom(number * 7) for number in range(40)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    run("add", "--all")
    repository = Repository(ENVIRONMENT)
    entries = repository.changed(repository.empty_tree(), repository.staged_tree())
    sizes = repository.sizes([entry.oid for entry in entries])
    told = dict(repository.contents(sizes))
    assert {entry.path: told[entry.oid] for entry in entries} == contents
    assert dict(repository.contents({})) == {}


def test_the_index_that_git_names_to_a_hook_is_the_one_that_is_asked(folder: Path) -> None:
    (folder / "a").write_text("a")
    run("add", "a")
    other = {**ENVIRONMENT, "GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/another"}
    (folder / "b").write_text("b")
    run("add", "b", environment=other)
    for environment, path in ((ENVIRONMENT, "a"), (other, "b")):
        repository = Repository(environment)
        entries = repository.changed(repository.head(), repository.staged_tree())
        assert [entry.path for entry in entries] == [path]


def test_what_stands_in_the_place_of_an_object_here_alone_is_not_looked_at(folder: Path) -> None:
    (folder / "a").write_text("pushed")
    run("add", "a")
    repository = Repository(ENVIRONMENT)
    [entry] = repository.changed(repository.head(), repository.staged_tree())
    (folder / "b").write_text("shown")
    run("add", "b")
    [_, other] = repository.changed(repository.head(), repository.staged_tree())
    run("replace", entry.oid, other.oid)
    assert dict(repository.contents({entry.oid: 6})) == {entry.oid: b"pushed"}


def test_people_are_those_of_a_commit_made_now_and_nobody_where_git_knows_none(folder: Path) -> None:
    assert Repository(ENVIRONMENT).people() == ["A <a@example.com>", "C <c@example.com>"]
    nobody = {name: value for name, value in ENVIRONMENT.items() if "AUTHOR" not in name}
    run("config", "user.useConfigOnly", "true")
    assert Repository(nobody).people() == ["C <c@example.com>"]


def test_trouble_is_told_in_gits_first_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    repository = Repository({**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    with pytest.raises(GitFailed, match=r"^git rev-parse: not a git repository"):
        repository.top()


def test_an_object_that_is_not_here_is_told(folder: Path) -> None:
    with pytest.raises(GitFailed, match=r"does not understand: of an object: .*missing"):
        Repository(ENVIRONMENT).sizes(["1" * 40])


def test_git_itself_may_be_missing_or_say_nothing(folder: Path) -> None:
    with pytest.raises(GitFailed, match="not on the PATH; install it"):
        Repository({"PATH": "/nowhere"}).head()
    program = folder / "git"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    with pytest.raises(GitFailed, match="exit code 7"):
        Repository({"PATH": str(folder)}).staged_tree()
