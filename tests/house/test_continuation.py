"""What a crash of Claude cut is gone on with, and its messages are answered only then."""

from __future__ import annotations

import os
import signal

from tests.house.stand import Stand, until


def test_claude_killed_at_work_is_asked_to_go_on_and_the_message_is_answered_then(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("wait 20")
        events.until("message", id=1, state="started")
        stand.write("and then this")
        events.until("message", id=2, state="queued")
        os.kill(stand.claude_pid, signal.SIGKILL)
        cut = events.until("turn")
        assert (cut["outcome"], cut["message_ids"]) == ("crashed", [1])
        going_on = events.until("turn")
        assert (going_on["outcome"], going_on["message_ids"]) == ("finished", [1, 3])
        assert events.until("turn")["message_ids"] == [2]
    assert [m["state"] for m in stand.control("messages")["messages"]] == ["answered"] * 3
    first, second, third = stand.prompts()
    assert "wait 20" in first
    assert "go on where you stopped" in second
    assert "and then this" in third


def test_what_a_person_ended_with_exit_is_left_at_that(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("wait 20")
        events.until("message", id=1, state="started")
        stand.keys("-l", "/exit")
        stand.until_screen("/exit")
        stand.keys("Enter")
        events.until("claude", event="resumed")
        stand.write("next")
        assert events.until("turn", message_ids=[1])["outcome"] in {"crashed", "interrupted"}
        assert events.until("turn")["message_ids"] == [2]
    until(lambda: stand.status()["queue"]["started"] == 0, "nothing is open")
    assert len(stand.prompts()) == 2
