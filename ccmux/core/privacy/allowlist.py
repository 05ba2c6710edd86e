"""The allowlist: findings that somebody looked at and that may stay, each with its place and the reason.

It is a file of the repository, so that additions are seen in review. An entry lets one exact text pass in the
places it names; what else stands in the line is found as ever.

    [[allow]]
    text = "the text, exactly as it is found"
    where = ["tests/*", "message"]    # paths, * is anything, / too; "message", "author": of commits
    reason = "why it is nobody's"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

FILE_NAME = "privacy-allow.toml"
"""At the top of the repository. What it allows it must name, so it may have that in it."""

_KEYS = {"text", "where", "reason"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One text that may stand in some places."""

    text: str
    where: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Allowlist:
    """All entries; `problems` says what is wrong with the file, a sentence each: then nothing is allowed."""

    entries: Sequence[Entry] = ()
    problems: Sequence[str] = ()

    def allowing(self, text: str, where: str) -> Entry | None:
        """Return the entry that lets this text pass there."""
        for entry in self.entries:
            if entry.text == text and (
                where == FILE_NAME or any(fnmatchcase(where, pattern) for pattern in entry.where)
            ):
                return entry
        return None


def read_allowlist(content: str) -> Allowlist:
    """Return what the file's text says; "" is an empty one."""
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        return Allowlist(problems=(f"is no TOML: {error}",))
    tables = document.pop("allow", [])
    problems = [f"{key} is unknown; it has tables [[allow]] alone" for key in document]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return Allowlist(problems=(*problems, "allow must be tables: [[allow]]"))
    problems += [problem for number, table in enumerate(tables, 1) for problem in _problems(number, table)]
    if problems:
        return Allowlist(problems=tuple(problems))
    return Allowlist(tuple(Entry(table["text"], tuple(table["where"]), table["reason"]) for table in tables))


def _problems(number: int, table: dict[str, Any]) -> Iterable[str]:
    named = f"[[allow]] number {number}"
    if table.keys() != _KEYS:
        yield f"{named} must have text, where and reason, and nothing else"
        return
    if not isinstance(table["text"], str) or not table["text"]:
        yield f"{named}: text must be the exact text that may pass"
    if not isinstance(table["reason"], str) or not table["reason"].strip():
        yield f"{named}: reason must say why it may stay"
    where = table["where"]
    if not isinstance(where, list) or not where or not all(isinstance(one, str) and one for one in where):
        yield f'{named}: where must be a list of paths, "message" or "author"'
