"""What is personal is found wherever it stands, and what only looks like it is not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.personal import Finding, Kind, find_personal
from tests.corpus.personal import EVERYBODYS, INNOCENT, PLANTED, SOMEBODYS

EACH_PLANTED = {
    f"{kind}: {name}": (kind, text) for kind, texts in PLANTED.items() for name, text in texts.items()
}


@pytest.mark.parametrize(("kind", "text"), EACH_PLANTED.values(), ids=EACH_PLANTED.keys())
def test_planted_ones_are_found_once_and_as_what_they_are(kind: str, text: str) -> None:
    assert [found.kind for found in find_personal(text)] == [kind]
    assert [found.kind for found in find_personal(text, strict=True)] == [kind]


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT.keys())
def test_innocent_ones_are_not_found(text: str) -> None:
    assert [(found.rule, text[found.start : found.end]) for found in find_personal(text)] == []


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in SOMEBODYS.items() for text in texts.values()]
)
def test_what_is_somebodys_on_a_real_machine_is_found_strictly_alone(kind: str, text: str) -> None:
    assert find_personal(text) == []
    assert [found.kind for found in find_personal(text, strict=True)] == [kind]


@pytest.mark.parametrize("text", EVERYBODYS.values(), ids=EVERYBODYS.keys())
def test_what_is_everybodys_is_not_found_strictly_either(text: str) -> None:
    assert [text[found.start : found.end] for found in find_personal(text, strict=True)] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n", "\r\n"),
        (" ", " "),
        ("(", ")"),
        ('"', '"'),
        ("（", "）"),
        ("：", "，"),
        ("的", "。"),
        ("\t", ", x"),
    ],
)
def test_what_stands_around_it_hides_nothing(before: str, after: str) -> None:
    for kind, texts in PLANTED.items():
        for text in texts.values():
            around = before + text + after
            assert kind in {found.kind for found in find_personal(around)}, around


def test_the_place_is_that_of_the_text_as_it_was_given() -> None:
    text = "İ，" + PLANTED["email"]["full width"] + "，"
    assert [text[found.start : found.end] for found in find_personal(text)] == [
        PLANTED["email"]["full width"]
    ]


def test_a_private_key_is_found_to_its_end() -> None:
    text = PLANTED["key"]["a private key"]
    assert find_personal(f"x\n{text}\ny") == [Finding(Kind.KEY, 2, 2 + len(text), "private-key")]


def test_an_innocent_one_hides_no_other_on_its_line() -> None:
    for name, text in INNOCENT.items():
        for planted in (PLANTED["email"]["plain"], PLANTED["phone"]["compact"], PLANTED["key"]["GitHub"]):
            assert len(find_personal(f"{planted} {text} {planted}")) == 2, name


PIECES = st.lists(
    st.one_of(
        st.sampled_from([text for texts in PLANTED.values() for text in texts.values()]),
        st.sampled_from(sorted(INNOCENT.values())),
        st.sampled_from(
            ["@", "://", ":", "=", "password", "'", '"', "\\", "+", "/home/", "-", ".", "İ", "\n", " "]
        ),
        st.text(max_size=5),
    )
)


@given(PIECES.map("".join) | st.text(), st.booleans())
def test_findings_are_in_order_within_the_text_and_none_within_another(text: str, strict: bool) -> None:
    found = find_personal(text, strict=strict)
    for one in found:
        assert 0 <= one.start < one.end <= len(text)
        assert one.rule
    for one, after in itertools.pairwise(found):
        assert one.start < after.start
        assert one.end < after.end
