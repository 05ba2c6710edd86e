"""Looks through what is staged, a whole repository or its history for what must not be in it.

It asks git for the bytes and hands them to the judges in core; it prints nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccmux.core.errors import AllowlistInvalid, GitFailed, SecretUnsafe
from ccmux.core.privacy.allowlist import FILE_NAME, read_allowlist
from ccmux.core.privacy.blocklist import Blocklist
from ccmux.core.privacy.git_words import Commit, Entry
from ccmux.core.privacy.reading import read
from ccmux.core.privacy.scan import LARGEST_BYTES, Found, Scanner
from ccmux.drivers.git import Repository
from ccmux.paths import read_secret

_BLOCKLIST_BYTES = 4_000_000
_MESSAGE_BYTES = 1_000_000
_SCISSORS = "------------------------ >8 ------------------------"
"""What follows is shown to who writes a message, and is no part of it (git-commit(1), `--verbose`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was looked through.

    Attributes:
        at: What, in words.
        found: What must not be there.
        notes: What a person should know of the looking itself, a sentence each.
        tree: The tree that was staged; "" where it was about something else.
        base: HEAD's commit then, or the tree without a file before the first one.

    """

    at: str
    found: Sequence[Found]
    notes: Sequence[str] = ()
    tree: str = ""
    base: str = ""


class Looking:
    """Looks through one repository, with one person's blocklist."""

    def __init__(self, repository: Repository, blocklist: Path) -> None:
        """Read the blocklist, which need not be there.

        Raises:
            SecretUnsafe: It is open to others, or too large.

        """
        self._git = repository
        self._notes: list[str] = []
        content = read_secret(blocklist, at_most=_BLOCKLIST_BYTES)
        if content is not None and len(content) == _BLOCKLIST_BYTES:
            raise SecretUnsafe(str(blocklist), "it is too large for a blocklist", "shorten it")
        self._blocklist = Blocklist((content or b"").decode(errors="replace"))
        if not len(self._blocklist):
            self._notes.append(f"there is no blocklist: names are not looked for; {blocklist} may hold them")

    def staged(self) -> Looked:
        """Look through what the index changes: contents, names, and who would be its author."""
        tree, base = self._git.staged_tree(), self._git.head()
        scanner = self._scanner(tree)
        changed = self._git.changed(base, tree)
        found = [*self._in_files(scanner, changed), *scanner.people(self._git.people())]
        at = f"{_counted(changed, 'file')} staged"
        return Looked(at=at, found=found, notes=self._notes, tree=tree, base=base)

    def everything(self) -> Looked:
        """Look through all that is in the index."""
        tree = self._git.staged_tree()
        scanner = self._scanner(tree)
        files = self._git.changed(self._git.empty_tree(), tree)
        found = self._in_files(scanner, files)
        unneeded = [
            f"{FILE_NAME} allows {entry.text!r}, which is nowhere it may be: take it out"
            for entry in scanner.unneeded
            if not {"message", "author"} & set(entry.where)
        ]
        at = f"{_counted(files, 'file')} in all"
        return Looked(at=at, found=found, notes=[*self._notes, *unneeded])

    def history(self, revisions: str) -> Looked:
        """Look through what each commit of a range brought, what it says and who made it.

        Where the beginning of `A..B` is not here (a shallow clone), all that is here of B's history is.
        """
        start, dots, end = revisions.partition("..")
        end = end.removeprefix(".") or "HEAD" if dots else start
        notes = list(self._notes)
        if dots and not self._git.commit(start or "HEAD"):
            notes.append(f"{start} is not here: all that is here of {end} is looked through")
            revisions = end
        tip = self._git.commit(end)
        if not tip:
            raise GitFailed(f"git rev-parse {end}", "there is no such commit here")
        scanner = self._scanner(tip)
        commits = self._git.commits(revisions)
        changed = _once(self._git.changed_in(commits)) if commits else []
        found = self._in_files(scanner, changed)
        for commit in commits:
            found += self._in_commit(scanner, commit)
        at = f"{_counted(commits, 'commit')}, {_counted(changed, 'file')} in all of it"
        return Looked(at=at, found=found, notes=notes)

    def message(self, path: Path) -> Looked:
        """Look through a message that git is about to take, as it stands in the file it names to its hook."""
        try:
            with path.open("rb") as file:
                text = file.read(_MESSAGE_BYTES).decode(errors="replace").partition(_SCISSORS)[0]
        except OSError as error:
            raise GitFailed(f"message {path}", error.strerror or str(error)) from error
        scanner = self._scanner(self._git.staged_tree())
        return Looked(at="the message", found=scanner.message(text, self._git.people()), notes=self._notes)

    def review_text(self, looked: Looked) -> bytes:
        """Return what is staged as a diff; of files that are no text it has nothing."""
        changed = self._git.changed(looked.base, looked.tree)
        readable, too_large = self._sizes(changed)
        binary = {oid for oid, content in self._git.contents(readable) if read(content).is_binary}
        left_out = [entry.path for entry in changed if entry.oid in binary | too_large.keys()]
        return self._git.diff(looked.base, looked.tree, without=left_out)

    def _scanner(self, tree: str) -> Scanner:
        allowlist = read_allowlist(self._git.file_at(FILE_NAME, tree).decode(errors="replace"))
        if allowlist.problems:
            raise AllowlistInvalid(FILE_NAME, allowlist.problems)
        return Scanner(allowlist, self._blocklist)

    def _in_files(self, scanner: Scanner, entries: Sequence[Entry]) -> list[Found]:
        readable, too_large = self._sizes(entries)
        inside: Mapping[str, Sequence[Found]] = {
            oid: scanner.content(content) for oid, content in self._git.contents(readable)
        }
        found: list[Found] = []
        for entry in entries:
            if entry.oid in too_large:
                found += scanner.too_large(entry.path, too_large[entry.oid], entry.commit)
            else:
                found += scanner.at(inside.get(entry.oid, ()), entry.path, entry.commit)
        return found

    def _sizes(self, entries: Sequence[Entry]) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Return the sizes of the contents that are looked through, and of those too large for it."""
        sizes = self._git.sizes(list(dict.fromkeys(entry.oid for entry in entries if entry.oid)))
        readable = {oid: size for oid, size in sizes.items() if size <= LARGEST_BYTES}
        return readable, {oid: size for oid, size in sizes.items() if oid not in readable}

    @staticmethod
    def _in_commit(scanner: Scanner, commit: Commit) -> list[Found]:
        people = (commit.author, commit.committer)
        return [
            *scanner.people(people, commit.oid),
            *scanner.message(commit.message, people, commit.oid),
        ]


def _once(entries: Iterable[Entry]) -> list[Entry]:
    """Return each content at each path once, with the oldest commit that has it so."""
    # git tells the newest first, and the last of the same key stays.
    oldest = {(entry.path, entry.oid): entry for entry in entries}
    return list(oldest.values())


def _counted(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")
