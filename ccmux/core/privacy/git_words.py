"""Reads what git's plumbing says with `-z`: changed entries, sizes, objects, commits. It runs no git.

Sources: git-diff(1) "raw output format", git-cat-file(1) "batch output"; measured on git 2.39.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOG_FORMAT = "%H%n%an%n%ae%n%cn%n%ce%n%B"
"""What `git log -z --format=` must be given for `commits`."""

_ENTRY = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([A-Z])[0-9]*")
_OBJECT = re.compile(rb"[0-9a-f]{40,64} [a-z]+ ([0-9]{1,18})\n")
_SUBMODULE = "160000"


class GitSaid(ValueError):
    """Git said something that we do not understand."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a link's target or a submodule as it is after a change.

    Attributes:
        path: Where; bytes that are no UTF-8 are surrogates.
        oid: The object that holds its content; "" where it has none here: it was removed, or is a submodule.
        commit: The commit that made it so; "" where it is not committed yet.

    """

    path: str
    oid: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says beside its files."""

    oid: str
    author: str
    committer: str
    message: str


def entries(raw: bytes) -> list[Entry]:
    """Return the entries of `git diff-index --raw -z`, or of `git diff-tree --stdin --raw -z`.

    Whatever became of an entry (added, changed, its type changed, renamed, copied), it is there once under
    its new name; one that was removed is not.

    Raises:
        GitSaid: It is something else.

    """
    found: list[Entry] = []
    commit = ""
    words = iter(raw.split(b"\0"))
    for word in words:
        match = _ENTRY.fullmatch(word)
        if match is None:
            if word and not re.fullmatch(rb"[0-9a-f]{40,64}", word):
                raise GitSaid(f"an entry begins with {word[:80]!r}")
            commit = word.decode()
            continue
        mode, oid, status = match[2].decode(), match[4].decode(), match[5].decode()
        path = next(words, b"")
        if status in "RC":
            path = next(words, b"")
        if not path:
            raise GitSaid("an entry has no path")
        if status != "D":
            content = "" if mode == _SUBMODULE else oid
            found.append(Entry(path.decode(errors="surrogateescape"), content, commit))
    return found


def sizes(text: bytes) -> list[int]:
    """Return the sizes that `git cat-file --batch-check` says, in its order.

    Raises:
        GitSaid: An object is missing, or it is something else.

    """
    return [int(_object(line, 0)[1]) for line in text.splitlines(keepends=True)]


def contents(batch: bytes) -> list[bytes]:
    """Return the contents that `git cat-file --batch` says, in its order.

    Raises:
        GitSaid: An object is missing, or it is something else.

    """
    found = []
    at = 0
    while at < len(batch):
        head = _object(batch, at)
        at = head.end() + int(head[1])
        if batch[at : at + 1] != b"\n":
            raise GitSaid("an object is cut")
        found.append(batch[head.end() : at])
        at += 1
    return found


def _object(text: bytes, at: int) -> re.Match[bytes]:
    """Return the line about an object, with its size."""
    match = _OBJECT.match(text, at)
    if match is None:
        raise GitSaid(f"of an object: {text[at : at + 80]!r}")
    return match


def commits(log: bytes) -> list[Commit]:
    """Return the commits of `git log -z` with our format.

    Raises:
        GitSaid: It is something else.

    """
    found = []
    for record in log.decode(errors="replace").split("\0"):
        if record:
            oid, *people = record.split("\n", 5)
            if len(people) != 5:
                raise GitSaid("a commit without author, committer and message")
            name, mail, their_name, their_mail, message = people
            found.append(Commit(oid, f"{name} <{mail}>", f"{their_name} <{their_mail}>", message))
    return found
