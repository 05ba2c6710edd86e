"""What the cases read out of the events."""

from __future__ import annotations

import pytest

from ccmux.trial.cases import told_states

STORIES: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "typed at once": (
        [("queued", ""), ("typing", ""), ("started", "")],
        ["queued", "typing", "started"],
    ),
    "held twice before the first key": (
        [("queued", ""), *[("typing", ""), ("queued", "settling")] * 2, ("typing", "")],
        ["queued", "typing"],
    ),
    "removed by a person": (
        [("queued", ""), ("typing", ""), ("queued", "somebody removed it from the input box")],
        ["queued", "typing", "queued"],
    ),
    "queued while something holds": ([("queued", "settling"), ("typing", "")], ["queued", "typing"]),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_typing_that_was_held_before_its_first_key_is_none(story: str) -> None:
    said, states = STORIES[story]
    events = [{"type": "message", "state": state, "reason": reason} for state, reason in said]
    assert told_states([{"type": "state", "state": "idle"}, *events]) == states
