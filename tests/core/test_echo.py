"""The echo of a paste: ours is known however the terminal wraps it, and nobody else's passes for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.echo import Echo, echo_of
from ccmux.core.screen import read_screen
from tests.screens import Captured, all_captured

LEAD = "[14:30 ccmux] 2 messages:"
BODY = "[14:30 a] one\n[14:31 b] two\n[14:32 c] three\n[14:33 d] four"
LONG = " ".join(f"word{number}" for number in range(60))


@pytest.mark.parametrize(
    "screen",
    [screen for screen in all_captured() if "body" in screen.expected],
    ids=lambda screen: screen.name,
)
def test_on_a_real_screen_ours_is_ours_and_a_letter_more_is_not(screen: Captured) -> None:
    lead, body = screen.expected["lead"], screen.expected["body"]
    draft = read_screen(screen.view).draft
    assert echo_of(draft, lead=lead, body=body) is Echo.OURS
    assert echo_of(draft + "x", lead=lead, body=body) is Echo.FOREIGN


@pytest.mark.parametrize(
    ("draft", "lead", "body", "echo"),
    [
        ("", LEAD, BODY, Echo.NOTHING),
        (" \n ", LEAD, BODY, Echo.NOTHING),
        (LEAD, LEAD, BODY, Echo.LEAD),
        ("[14:30 cc", LEAD, BODY, Echo.PARTLY),
        (LEAD + BODY[:20], LEAD, BODY, Echo.PARTLY),
        (LEAD + BODY, LEAD, BODY, Echo.OURS),
        (LEAD + "[Pasted text #3 +3 lines]", LEAD, BODY, Echo.OURS),
        ("[14:30 ccmux] 2\nmessages:[Pasted text\n#3 +3 lines]", LEAD, BODY, Echo.OURS),
        ("[Pasted text #3 +3 lines]", "", BODY, Echo.OURS),
        ("[Pasted text #12]", "", LONG, Echo.OURS),
        (LEAD + "[Pasted text #3 +4 lines]", LEAD, BODY, Echo.FOREIGN),
        (LEAD + "[Pasted text #3]", LEAD, BODY, Echo.FOREIGN),
        (LEAD + "[Pasted text #3 +3 lines]x", LEAD, BODY, Echo.FOREIGN),
        (LEAD + "[Pasted text #1 +3 lines][Pasted text #2 +3 lines]", LEAD, BODY, Echo.FOREIGN),
        ("[Pasted text #3 +3 lines]", LEAD, BODY, Echo.FOREIGN),
        ("x" + LEAD + BODY, LEAD, BODY, Echo.FOREIGN),
        ("hello", LEAD, BODY, Echo.FOREIGN),
        ("four", LEAD, BODY, Echo.FOREIGN),  # a short tail may be anybody's
        (LONG[-200:], LEAD, LONG, Echo.OURS),  # the box is taller than the terminal
        (LONG[-200:] + "!", LEAD, LONG, Echo.FOREIGN),
        ("🎉", LEAD, BODY, Echo.FOREIGN),  # nothing comparable in it, and yet not empty
        ("[14:30 a] 👍 ok", "", "[14:30 a] 👍🏽 ok", Echo.OURS),  # tmux 3.3a drops the skin tone
        ("[14:30 a] e\u0301", "", "[14:30 a] \u00e9", Echo.OURS),
        ("[14:30 a] x<\u0338", "", "[14:30 a] x", Echo.FOREIGN),  # composed, the < would be gone
        ("[14:30 a] wei\u00df", "", "[14:30 a] weiss", Echo.FOREIGN),
    ],
)
def test_echo(draft: str, lead: str, body: str, echo: Echo) -> None:
    assert echo_of(draft, lead=lead, body=body) is echo


bodies = st.text(min_size=1, max_size=300).map(lambda text: "[14:30 a] " + text)


@given(bodies, st.integers(20, 60))
def test_wrapping_changes_nothing(body: str, columns: int) -> None:
    wrapped = "\n".join(body[at : at + columns] for at in range(0, len(body), columns))
    assert echo_of(wrapped, lead="", body=body) is Echo.OURS


@given(bodies, st.integers(0, 400), st.characters(min_codepoint=33, max_codepoint=126))
def test_an_ascii_character_more_is_never_ours(body: str, at: int, char: str) -> None:
    at = min(at, len(body))
    assert echo_of(body[:at] + char + body[at:], lead="", body=body) is not Echo.OURS


@given(bodies, st.integers(1, 400))
def test_a_beginning_of_ours_is_never_foreign(body: str, length: int) -> None:
    assert echo_of(body[:length], lead="", body=body) in {Echo.PARTLY, Echo.OURS, Echo.NOTHING}
