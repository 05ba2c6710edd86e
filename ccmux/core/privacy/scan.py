"""Looks through texts of a repository for what must not be in it, and lets pass what is allowed there."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ccmux.core.personal import Kind, find_personal
from ccmux.core.privacy.allowlist import Allowlist, Entry
from ccmux.core.privacy.blocklist import Blocklist
from ccmux.core.privacy.reading import read

MESSAGE, AUTHOR = "message", "author"
"""Places that are no files."""

BLOCKLIST = "blocklist"
_TOO_LARGE = "too-large"

LARGEST_BYTES = 50_000_000
"""What is larger is not looked through, and so does not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that must not be there.

    Attributes:
        where: A file's path, or "message" or "author" of a commit.
        line: Counted from 1; 0 where there are no lines: in a binary file, a name, an author.
        column: The same, in characters.
        kind: "email", "key" ..., or "blocklist".
        rule: What told it.
        text: Exactly what was found.
        commit: Whose it is; "" where it is not committed yet.

    """

    where: str
    line: int = 0
    column: int = 0
    kind: str
    rule: str
    text: str
    commit: str = ""


class Scanner:
    """Looks through everything with one allowlist and one blocklist; remembers which entries were needed."""

    def __init__(self, allowlist: Allowlist, blocklist: Blocklist) -> None:
        self._allowlist = allowlist
        self._blocklist = blocklist
        self._needed: set[Entry] = set()

    @property
    def unneeded(self) -> list[Entry]:
        """The entries of the allowlist that let nothing pass so far."""
        return [entry for entry in self._allowlist.entries if entry not in self._needed]

    def content(self, content: bytes) -> list[Found]:
        """Return what is in a file's bytes, wherever they will lie; `at` says what of it may stay there."""
        reading = read(content)
        found: list[Found] = []
        for text in reading.texts:
            # Read another way, the same thing looks a little different.
            known = {(one.line, one.kind) for one in found}
            again = self._in_text(text, has_lines=not reading.is_binary)
            found += [one for one in again if (one.line, one.kind) not in known]
        return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.column))

    def at(self, found: Iterable[Found], path: str, commit: str = "") -> list[Found]:
        """Return what of a file's findings may not stay at this path; its name is looked through, too."""
        in_name = self._in_text(path, has_lines=False)
        here = (replace(one, where=path, commit=commit) for one in (*in_name, *found))
        return [one for one in here if not self._is_allowed(one)]

    def too_large(self, path: str, size: int, commit: str = "") -> list[Found]:
        """Return the same for a file that is not looked through."""
        rule = f"over {LARGEST_BYTES // 1_000_000} MB ({size // 1_000_000} MB), not looked through"
        return self.at([Found(where=path, kind=_TOO_LARGE, rule=rule, text=path)], path, commit)

    def message(self, text: str, people: Iterable[str] = (), commit: str = "") -> list[Found]:
        """Return what of a commit's message may not stay.

        `people` are its author and committer: they sign it with their addresses, which are judged there.
        """
        signed = " ".join(people)
        here = (replace(one, where=MESSAGE, commit=commit) for one in self._in_text(text, has_lines=True))
        return [one for one in here if one.text not in signed and not self._is_allowed(one)]

    def people(self, people: Iterable[str], commit: str = "") -> list[Found]:
        """Return what of a commit's author and committer, as `Name <mail>`, may not stay."""
        found = [
            replace(one, where=AUTHOR, commit=commit)
            for person in dict.fromkeys(people)
            for one in self._in_text(person, has_lines=False)
        ]
        return [one for one in found if not self._is_allowed(one)]

    def _is_allowed(self, one: Found) -> bool:
        entry = self._allowlist.allowing(one.text, one.where)
        if entry is not None:
            self._needed.add(entry)
        return entry is not None

    def _in_text(self, text: str, *, has_lines: bool) -> Iterator[Found]:
        spans = [(one.start, one.end, str(one.kind), one.rule) for one in find_personal(text)]
        spans += [(start, end, BLOCKLIST, BLOCKLIST) for start, end in self._blocklist.find(text)]
        if not spans:
            return
        starts = _starts_of_lines(text) if has_lines else []
        for start, end, kind, rule in sorted(spans):
            line = bisect.bisect_right(starts, start)
            column = start - starts[line - 1] + 1 if line else 0
            yield Found(where="", line=line, column=column, kind=kind, rule=rule, text=text[start:end])


def _starts_of_lines(text: str) -> list[int]:
    """Return where each line begins, as editors and git count them."""
    starts = [0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def shown(found: Found) -> str:
    """Return the text for a screen: of a key so much that one knows which, on one line."""
    text = found.text
    if found.kind == Kind.KEY:
        text = f"{text[: min(4, len(text) // 3)]}… ({len(text)} characters)"
    return " ".join(text.split())
