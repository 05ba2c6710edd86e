"""The main job on the real Claude Code CLI, and the same on the demo agent."""

from __future__ import annotations

from tests.house.stand import Stand, text_of


def test_a_line_in_the_fifo_reaches_claude_and_its_turn_comes_back(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("hello")
        turn = events.until("turn")
    assert text_of(turn) == "You said: hello"
    assert turn["message_ids"] == [1]
    states = [event["state"] for event in events.seen if event["type"] == "message"]
    assert states == ["queued", "typing", "submitted", "started"]
