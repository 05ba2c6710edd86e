"""An allowlist lets exact texts pass in named places; one that is wrong lets nothing pass."""

from __future__ import annotations

import pytest

from ccmux.core.privacy.allowlist import Allowlist, Entry, read_allowlist

ONE = '[[allow]]\ntext = "x"\nwhere = ["a/*.py", "message"]\nreason = "made up"\n'


def test_an_entry_is_what_the_file_says() -> None:
    assert read_allowlist(ONE) == Allowlist((Entry("x", ("a/*.py", "message"), "made up"),))
    assert read_allowlist("") == Allowlist()


@pytest.mark.parametrize(
    ("text", "where", "allowed"),
    [
        ("x", "a/b.py", True),
        ("x", "a/b/c.py", True),
        ("x", "message", True),
        ("x", "privacy-allow.toml", True),
        ("x", "author", False),
        ("x", "b/a/b.py", False),
        ("X", "a/b.py", False),
        ("xx", "a/b.py", False),
        ("y", "privacy-allow.toml", False),
    ],
)
def test_it_lets_pass_the_very_text_in_its_places(text: str, where: str, allowed: bool) -> None:
    assert (read_allowlist(ONE).allowing(text, where) is not None) is allowed


WRONG = {
    "no TOML": ("[[allow", "is no TOML: "),
    "an unknown table": ("[deny]\n", "deny is unknown"),
    "no tables": ("allow = 1\n", "allow must be tables: [[allow]]"),
    "no tables in a list": ("allow = [1]\n", "allow must be tables: [[allow]]"),
    "a key is missing": (ONE.replace("reason", "why"), "number 1 must have text, where and reason"),
    "no text": (ONE.replace('"x"', '""'), "number 1: text must be the exact text"),
    "no reason": (ONE.replace('"made up"', '" "'), "number 1: reason must say why"),
    "no place": (ONE.replace('["a/*.py", "message"]', "[]"), "number 1: where must be a list"),
    "a place that is none": (ONE.replace('"message"', "1"), "number 1: where must be a list"),
    "a place alone": (ONE.replace('["a/*.py", "message"]', '"a"'), "number 1: where must be a list"),
}


@pytest.mark.parametrize(("content", "problem"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_one_says_why_and_lets_nothing_pass(content: str, problem: str) -> None:
    allowlist = read_allowlist(content)
    assert [said for said in allowlist.problems if problem in said]
    assert allowlist.allowing("x", "message") is None


def test_all_problems_are_told() -> None:
    assert len(read_allowlist(ONE + "[[allow]]\n" + ONE.replace('"x"', "1")).problems) == 2
