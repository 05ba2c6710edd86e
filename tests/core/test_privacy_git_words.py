"""What git says is read to the byte, and what it never says is not taken for anything."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.privacy.git_words import Commit, Entry, GitSaid, commits, contents, entries, sizes

OLD, NEW = b"1" * 40, b"2" * 40
NONE = b"0" * 40


def raw(status: bytes, *paths: bytes, mode: bytes = b"100644", oid: bytes = NEW) -> bytes:
    return b":100644 " + mode + b" " + OLD + b" " + oid + b" " + status + b"\0" + b"\0".join(paths) + b"\0"


ENTRIES = {
    "nothing": (b"", []),
    "added": (raw(b"A", b"a"), [Entry("a", NEW.decode())]),
    "changed, with two blanks": (raw(b"M", b"a  b"), [Entry("a  b", NEW.decode())]),
    "its type changed": (raw(b"T", b"a", mode=b"120000"), [Entry("a", NEW.decode())]),
    "renamed": (raw(b"R086", b"old", b"new"), [Entry("new", NEW.decode())]),
    "copied": (raw(b"C100", b"old", b"new"), [Entry("new", NEW.decode())]),
    "removed": (raw(b"D", b"a", mode=b"000000", oid=NONE), []),
    "a submodule": (raw(b"A", b"lib", mode=b"160000"), [Entry("lib", "")]),
    "a name with line ends": (raw(b"A", b"a\nb\t"), [Entry("a\nb\t", NEW.decode())]),
    "a name that is no UTF-8": (raw(b"A", b"\xff"), [Entry("\udcff", NEW.decode())]),
    "a name that looks like an entry": (
        raw(b"A", raw(b"M", b"x").split(b"\0")[0]),
        [Entry(raw(b"M", b"x").split(b"\0")[0].decode(), NEW.decode())],
    ),
    "several": (
        raw(b"A", b"a") + raw(b"D", b"b") + raw(b"M", b"c"),
        [Entry("a", NEW.decode()), Entry("c", NEW.decode())],
    ),
    "SHA-256": (raw(b"A", b"a", oid=b"3" * 64), [Entry("a", "3" * 64)]),
    "of commits": (
        OLD + b"\0" + raw(b"A", b"a") + NEW + b"\0" + raw(b"M", b"a"),
        [Entry("a", NEW.decode(), OLD.decode()), Entry("a", NEW.decode(), NEW.decode())],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_entries(said: bytes, expected: list[Entry]) -> None:
    assert entries(said) == expected


@pytest.mark.parametrize(
    "said", [b"x\0", b":100644 100644 1 2 M\0a\0", raw(b"A", b"a")[:-3], raw(b"R100", b"old"), b"::100644\0"]
)
def test_what_are_no_entries_is_said(said: bytes) -> None:
    with pytest.raises(GitSaid):
        entries(said)


PATHS = st.binary(min_size=1, max_size=8).filter(lambda path: b"\0" not in path)
CHANGES = st.lists(st.tuples(st.sampled_from([b"A", b"M", b"T", b"D", b"R100", b"C050"]), PATHS, PATHS))


@given(CHANGES)
def test_every_entry_that_has_content_is_told_once_under_its_new_name(
    changes: list[tuple[bytes, bytes, bytes]],
) -> None:
    said = b"".join(
        raw(status, old, new) if status[:1] in b"RC" else raw(status, new) for status, old, new in changes
    )
    told = [entry.path.encode(errors="surrogateescape") for entry in entries(said)]
    assert told == [new for status, _, new in changes if status != b"D"]


@given(st.binary())
def test_anything_else_is_refused_and_nothing_else_is_raised(said: bytes) -> None:
    for read in (entries, sizes, contents, commits):
        with suppress(GitSaid):
            read(said)


def test_sizes() -> None:
    assert sizes(OLD + b" blob 12\n" + NEW + b" tree 0\n") == [12, 0]
    with pytest.raises(GitSaid, match="missing"):
        sizes(OLD + b" missing\n")


@given(st.lists(st.binary()))
def test_contents_come_back_whatever_is_in_them(found: list[bytes]) -> None:
    batch = b"".join(b"%b blob %d\n%b\n" % (OLD, len(content), content) for content in found)
    assert contents(batch) == found
    for cut in (batch[:-1], batch[:-3]):
        if found:
            with pytest.raises(GitSaid):
                contents(cut)


def test_commits() -> None:
    said = b"1\nA\na@x\nC\nc@x\nSubject\n\nBody\n\0" + b"2\n\n\n\n\n\0"
    assert commits(said) == [
        Commit("1", "A <a@x>", "C <c@x>", "Subject\n\nBody\n"),
        Commit("2", " <>", " <>", ""),
    ]
    with pytest.raises(GitSaid):
        commits(b"1\nA\n")
