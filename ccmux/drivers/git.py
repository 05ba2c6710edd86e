"""Asks git about the repository we stand in, by plumbing alone: nobody's settings change an answer.

In a hook, git's own variables say which index is committed (`commit -a`, `-p`): they are handed on, and with
them the folder, to which they may be relative. Blocking. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ccmux.ask_program import Answer, ask_program
from ccmux.core.errors import GitFailed
from ccmux.core.privacy import git_words
from ccmux.core.privacy.git_words import Commit, Entry, GitSaid

_LIMIT_S = 120.0
_BATCH_BYTES = 16_000_000
"""So much is held in memory at once, or one file."""

_RAW = ("--raw", "-z", "-M", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=none")
_PATCH = ("--patch", "-M", "--text", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short")
_LOG = ("-c", "log.showSignature=false", "log", "-z", f"--format={git_words.LOG_FORMAT}", "--encoding=UTF-8")

_Told = TypeVar("_Told")


class Repository:
    """The repository, and its index, that git finds from here."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {
            **environment,
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",  # what is pushed, not what stands here in its place
        }

    def top(self) -> Path:
        """Return the folder of the working tree.

        Raises:
            GitFailed: We are in none.

        """
        return Path(self._line("rev-parse", "--show-toplevel"))

    def git_path(self, name: str) -> Path:
        """Return where a file of ours lies among git's own, one for each working tree."""
        return Path(self._line("rev-parse", "--git-path", name))

    def commit(self, revision: str) -> str:
        """Return a commit's id, "" where there is none of that name."""
        words = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        answer = self._ask(*words)
        return answer.out.strip() if answer.exit_code == 0 else ""

    def head(self) -> str:
        """Return HEAD's commit; before the first one, the tree without a file."""
        return self.commit("HEAD") or self.empty_tree()

    def empty_tree(self) -> str:
        """Return the tree without a file: against it, everything is new."""
        return self._line("hash-object", "-t", "tree", "--stdin")

    def staged_tree(self) -> str:
        """Return the tree that a commit of the index would have; it is written, as git does then."""
        return self._line("write-tree")

    def changed(self, base: str, tree: str) -> list[Entry]:
        """Return what is in a tree and is not so in another one, or in a commit."""
        return self._entries("diff-tree", "-r", *_RAW, base, tree)

    def diff(self, base: str, tree: str, *, without: Sequence[str]) -> bytes:
        """Return the same for a reader; `without` these paths, which are no text."""
        left_out = [f":(top,exclude,literal){path}" for path in without]
        return self._bytes("diff-tree", "-r", *_PATCH, base, tree, "--", ":/", *left_out)

    def commits(self, revisions: str) -> list[Commit]:
        """Return the commits of a range, or of all history of a revision."""
        said = self._bytes(*_LOG, "--end-of-options", revisions, "--")
        return _understood(git_words.commits, said)

    def changed_in(self, commits: Sequence[Commit]) -> list[Entry]:
        """Return what these commits changed, against each of their parents."""
        given = "".join(f"{commit.oid}\n" for commit in commits).encode()
        return self._entries("diff-tree", "--stdin", "-r", "-m", "--root", *_RAW, given=given)

    def file_at(self, path: str, tree: str) -> bytes:
        """Return a file as it is in a tree, or in a commit; empty where it is not there."""
        answer = self._ask("cat-file", "blob", f"{tree}:{path}")
        return answer.raw if answer.exit_code == 0 else b""

    def sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        """Return how many bytes objects have."""
        said = self._bytes("cat-file", "--batch-check", given="".join(f"{oid}\n" for oid in oids).encode())
        return dict(zip(oids, _understood(git_words.sizes, said), strict=True))

    def contents(self, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
        """Yield the objects of these sizes and what is in them, few enough at a time."""
        batch: list[str] = []
        room = _BATCH_BYTES
        for oid, size in sizes.items():
            if batch and size > room:
                yield from self._batch(batch)
                batch, room = [], _BATCH_BYTES
            batch.append(oid)
            room -= size
        yield from self._batch(batch)

    def people(self) -> list[str]:
        """Return who a commit made now would name as author and committer; none where git knows nobody."""
        asked = [self._ask("var", name) for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")]
        return [answer.out.rpartition(">")[0] + ">" for answer in asked if answer.exit_code == 0]

    def _batch(self, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        if oids:
            said = self._bytes("cat-file", "--batch", given="".join(f"{oid}\n" for oid in oids).encode())
            yield from zip(oids, _understood(git_words.contents, said), strict=True)

    def _entries(self, *words: str, given: bytes = b"") -> list[Entry]:
        said = self._bytes(*words, given=given)
        return _understood(git_words.entries, said)

    def _line(self, *words: str) -> str:
        return self._bytes(*words).decode(errors="surrogateescape").removesuffix("\n")

    def _bytes(self, *words: str, given: bytes = b"") -> bytes:
        answer = self._ask(*words, given=given)
        if answer.exit_code != 0:
            raise GitFailed(f"git {words[0]}", _reason(answer))
        return answer.raw

    def _ask(self, *words: str, given: bytes = b"") -> Answer:
        answer = ask_program(["git", *words], environment=self._environment, given=given, limit_s=_LIMIT_S)
        if answer.is_missing:
            raise GitFailed("git", "it is not on the PATH; install it")
        return answer


def _reason(answer: Answer) -> str:
    """Return why it failed: git says it first, and then how to mend it."""
    told = [line for line in answer.err.splitlines() if line.startswith(("fatal: ", "error: "))]
    return told[0].partition(" ")[2] if told else answer.failure


def _understood(read: Callable[[bytes], _Told], said: bytes) -> _Told:
    try:
        return read(said)
    except GitSaid as error:
        raise GitFailed("git", f"it says what this ccmux does not understand: {error}") from error
