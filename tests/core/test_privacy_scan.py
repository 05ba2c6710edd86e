"""What must not be there is told with its place; what may be there is not; nothing hides anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.privacy.allowlist import Allowlist, Entry
from ccmux.core.privacy.blocklist import Blocklist
from ccmux.core.privacy.scan import LARGEST_BYTES, Found, Scanner, shown
from tests.corpus.personal import PLANTED

MAIL = PLANTED["email"]["plain"]


def scanner(*allowed: Entry, block: str = "") -> Scanner:
    return Scanner(Allowlist(allowed), Blocklist(block))


def test_a_file_is_told_with_lines_columns_and_its_name() -> None:
    looking = scanner(block="Muster")
    found = looking.at(looking.content(f"a\n muster {MAIL}\n".encode()), "muster", "c0ffee")
    assert [(one.where, one.line, one.column, one.kind, one.text, one.commit) for one in found] == [
        ("muster", 0, 0, "blocklist", "muster", "c0ffee"),
        ("muster", 2, 2, "blocklist", "muster", "c0ffee"),
        ("muster", 2, 9, "email", MAIL, "c0ffee"),
    ]


def test_the_same_text_twice_on_a_line_is_told_twice() -> None:
    assert [one.column for one in scanner().content(f"{MAIL} {MAIL}".encode())] == [1, len(MAIL) + 2]


def test_a_line_that_can_be_read_in_several_ways_is_told_once() -> None:
    assert len(scanner().content(f"{MAIL}\n".encode("latin-1"))) == 1


def test_an_entry_that_lets_something_pass_is_needed() -> None:
    mail, other = Entry(MAIL, ("a",), "test"), Entry("x", ("a",), "test")
    looking = scanner(mail, other)
    assert looking.unneeded == [mail, other]
    assert looking.at(looking.content(MAIL.encode()), "a") == []
    assert looking.unneeded == [other]


def test_a_file_too_large_is_told_and_so_is_its_name() -> None:
    assert [one.kind for one in scanner().too_large(MAIL, LARGEST_BYTES * 2)] == ["email", "too-large"]


def test_messages_and_people() -> None:
    people = (f"A <{MAIL}>", f"A <{MAIL}>")
    assert [one.where for one in scanner().people(people, "c")] == ["author"]
    assert scanner(Entry(MAIL, ("author",), "test")).people(people) == []
    message = f"Subject\n\nSee {MAIL}"
    assert [(one.where, one.line, one.commit) for one in scanner().message(message, (), "c")] == [
        ("message", 3, "c")
    ]
    assert scanner().message(message, people) == []
    assert scanner(Entry(MAIL, ("message",), "test")).message(message) == []


@pytest.mark.parametrize(
    ("kind", "text", "on_screen"),
    [
        ("key", "ghp_abcdefghij", "ghp_… (14 characters)"),
        ("key", "hunter2", "hu… (7 characters)"),
        ("blocklist", "Max\nMuster", "Max Muster"),
    ],
)
def test_of_a_key_only_the_beginning_is_shown(kind: str, text: str, on_screen: str) -> None:
    assert shown(Found(where="a", kind=kind, rule="", text=text)) == on_screen


@given(st.lists(st.sampled_from([MAIL, "İ", "ü", "\r\n", "\n", "\0", " ", "muster"])).map("".join))
def test_each_finding_stands_where_it_is_said_to(text: str) -> None:
    for one in scanner(block="muster").content(text.encode()):
        if "\0" not in text:
            assert text.split("\n")[one.line - 1][one.column - 1 :].startswith(one.text)
