"""One typing, step by step: what the box shows, and what is done about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.echo import Echo
from ccmux.core.injection import (
    ECHO_TICK_S,
    ECHO_WAIT_S,
    ENTER_AGAIN_S,
    ENTERS_MAX,
    PATIENT_TICK_S,
    PROOF_WAIT_S,
    REMOVED_WAIT_S,
    Command,
    Finished,
    Injection,
    LookAgain,
    Outcome,
    PressEnter,
)

NOTHING, PARTLY, OURS, FOREIGN, HIDDEN = Echo.NOTHING, Echo.PARTLY, Echo.OURS, Echo.FOREIGN, Echo.HIDDEN
Step = tuple[float, Echo, bool]
"""Seconds since the paste, what the box shows, whether Enter would reach it."""

SOON, PATIENTLY, ENTER = LookAgain(ECHO_TICK_S), LookAgain(PATIENT_TICK_S), PressEnter()
FOR_PROOF = LookAgain(ENTER_AGAIN_S)

STORIES: dict[str, list[tuple[Step, Command]]] = {
    "the paste is drawn, then entered": [
        ((0.00, NOTHING, True), SOON),
        ((0.01, PARTLY, True), SOON),
        ((0.02, OURS, True), ENTER),
        ((0.03, OURS, True), FOR_PROOF),
        ((0.10, NOTHING, False), FOR_PROOF),
    ],
    "a swallowed Enter is pressed again, three times in all": [
        ((0.0, OURS, True), ENTER),
        ((0.5, OURS, True), FOR_PROOF),
        ((1.0, OURS, True), ENTER),
        ((2.0, OURS, True), ENTER),
        ((3.0, OURS, True), FOR_PROOF),
        ((31.9, OURS, True), FOR_PROOF),
        ((32.0, OURS, True), Finished(Outcome.UNCERTAIN, "it still stands in the input box after 3 Enters")),
    ],
    "Enter waits while something else has the keyboard": [
        ((0.0, OURS, False), PATIENTLY),
        ((500.0, OURS, False), PATIENTLY),
        ((500.5, OURS, True), ENTER),
    ],
    "a second Enter is not pressed into a dialog": [
        ((0.0, OURS, True), ENTER),
        ((5.0, OURS, False), FOR_PROOF),
    ],
    "a person's words beside ours are waited for": [
        ((0.0, FOREIGN, True), PATIENTLY),
        ((900.0, FOREIGN, True), PATIENTLY),
        ((900.5, OURS, True), ENTER),
    ],
    "ours was taken out by hand": [
        ((0.0, FOREIGN, True), PATIENTLY),
        ((1.0, NOTHING, True), PATIENTLY),
        ((3.9, NOTHING, True), PATIENTLY),
        ((4.0, NOTHING, True), Finished(Outcome.REMOVED, "somebody removed it from the input box")),
    ],
    "it was gone for a moment only": [
        ((0.0, FOREIGN, True), PATIENTLY),
        ((1.0, NOTHING, True), PATIENTLY),
        ((2.0, FOREIGN, True), PATIENTLY),
        ((4.5, NOTHING, True), PATIENTLY),
        ((7.4, NOTHING, True), PATIENTLY),
    ],
    "a box that is covered says nothing of ours": [
        ((0.0, OURS, False), PATIENTLY),
        ((1.0, HIDDEN, False), PATIENTLY),
        ((60.0, HIDDEN, False), PATIENTLY),
        ((60.5, OURS, True), ENTER),
    ],
    "a person entered it while Claude was busy": [
        ((0.0, FOREIGN, False), PATIENTLY),
        ((1.0, NOTHING, False), PATIENTLY),
        ((60.0, NOTHING, False), PATIENTLY),
    ],
    "a person took a piece of it out": [
        ((0.0, PARTLY, True), SOON),
        ((2.0, PARTLY, True), PATIENTLY),
    ],
    "the paste never shows": [
        ((29.9, NOTHING, True), PATIENTLY),
        ((30.0, NOTHING, True), Finished(Outcome.UNCERTAIN, "the input box never showed the text")),
    ],
    "it went, and nobody reports it": [
        ((0.0, OURS, True), ENTER),
        ((29.9, NOTHING, True), FOR_PROOF),
        (
            (30.0, NOTHING, True),
            Finished(Outcome.UNCERTAIN, "it left the input box, but neither hook nor transcript reported it"),
        ),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    injection = Injection(now_s=0.0)
    for (at, echo, free), command in STORIES[name]:
        assert injection.looked(echo, free=free, now_s=at) == command
        if command == ENTER:
            injection.entered(now_s=at)


def test_an_enter_that_was_withheld_does_not_count() -> None:
    injection = Injection(now_s=0.0)
    for at in range(100):
        assert injection.looked(OURS, free=True, now_s=at) == ENTER
    assert injection.enters == 0


def test_a_text_may_have_to_stand_for_a_while_before_enter() -> None:
    injection = Injection(now_s=0.0, rest_s=0.125)
    assert injection.looked(OURS, free=True, now_s=1.0) == LookAgain(0.125)
    assert injection.looked(FOREIGN, free=True, now_s=1.0625) == PATIENTLY
    assert injection.looked(OURS, free=True, now_s=1.5) == LookAgain(0.125)
    assert injection.looked(OURS, free=True, now_s=1.625) == ENTER


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(Echo), st.booleans()), max_size=60))
def test_enter_is_pressed_only_on_our_own_text_and_never_too_often(steps: list[Step]) -> None:
    injection, now_s = Injection(now_s=0.0), 0.0
    for pause_s, echo, free in steps:
        now_s += pause_s
        command = injection.looked(echo, free=free, now_s=now_s)
        if isinstance(command, PressEnter):
            assert echo is OURS
            assert free
            injection.entered(now_s=now_s)
        if isinstance(command, Finished):
            assert command.outcome is not Outcome.SUBMITTED
            break
    assert injection.enters <= ENTERS_MAX


def test_its_patience_is_longer_than_its_pauses() -> None:
    assert ECHO_TICK_S < ENTER_AGAIN_S < REMOVED_WAIT_S < min(ECHO_WAIT_S, PROOF_WAIT_S)
