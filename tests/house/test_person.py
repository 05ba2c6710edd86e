"""A person and ccmux at one keyboard: nothing of theirs goes out with ours, and nothing of theirs is lost."""

from __future__ import annotations

import json

import pytest

from ccmux.trial import cases
from tests.house.conftest import AGENTS
from tests.house.person import run, screen_of
from tests.house.stand import Stand, text_of, until

HOOK = "grep -q forbidden && { echo 'not allowed here' >&2; exit 2; } || exit 0"


@pytest.mark.parametrize("agent", AGENTS)
def test_keys_that_come_while_ccmux_types_never_go_out_with_ours(agent: str) -> None:
    assert run(agent, 5, seed=7).total() == 5


def test_a_draft_left_alone_is_put_aside_for_a_message_and_comes_back_to_the_byte(stand: Stand) -> None:
    cases.draft_is_put_aside(stand)


def test_a_second_draft_is_not_stashed_over_a_persons_first(stand: Stand) -> None:
    stand.settings["timing"] = {"draft_patience_s": 0.5}
    stand.start()
    stand.keys("-l", "first")
    stand.until_screen("first")
    stand.keys("C-s")
    stand.until_screen("draft stashed")
    stand.keys("-l", "second")
    stand.until_screen("second")
    with stand.following() as events:
        stand.write("hello")
        until(lambda: "another draft is stashed already" in stand.ccmux("why"), "why says so")
        stand.keys("C-u")
        assert text_of(events.until("turn")) == "You said: hello"
    until(lambda: screen_of(stand).draft == "first", "the first draft stands there again")


@pytest.mark.real_claude
@pytest.mark.parametrize("stand", ["real"], indirect=True)
@pytest.mark.parametrize("content", ["forbidden\ntwo", "forbidden\n" * 9, "forbidden " * 200])
def test_what_a_hook_of_the_users_forbids_is_given_up_and_removed_from_the_box(
    stand: Stand, content: str
) -> None:
    hooks = {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": HOOK}]}]}
    (stand.project / "mine.json").write_text(json.dumps({"hooks": hooks}))
    stand.settings["claude"]["args"] = [*stand.args, "--settings", "mine.json"]
    stand.start()
    with stand.following() as events:
        stand.write({"content": content})
        dead = events.until("message", id=1, state="dead")
        assert "blocked by hook: not allowed here" in dead["reason"]
        stand.write("hello")
        assert text_of(events.until("turn", message_ids=[2])) == "You said: hello"
    assert screen_of(stand).draft == ""


def test_what_claude_gives_back_after_esc_is_held_for_like_a_draft(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("wait 20")
        events.until("message", state="started")  # an Esc before Claude wrote the prompt down leaves no turn
        stand.until_screen("esc to interrupt")
        stand.keys("Escape")
        assert events.until("turn")["outcome"] == "interrupted"
        stand.write("next")
        events.until("state", hold="draft in the input box")
        until(lambda: "gave back what ccmux typed" in stand.ccmux("why"), "why says whose it is")
        assert screen_of(stand).draft.endswith("default] wait 20")
        stand.keys("C-u")
        assert text_of(events.until("turn")) == "You said: next"
    assert stand.control("show", id=1)["messages"][0]["state"] == "answered"
