"""What comes again and again does not pile up while Claude takes nothing: the real CLI and the demo agent."""

from __future__ import annotations

from tests.house.stand import Stand


def test_while_claude_is_busy_the_second_is_skipped_and_after_delivery_the_third_is_taken(
    stand: Stand,
) -> None:
    stand.start()
    timer = ("send", "-c", "timer", "--unless-waiting", "mail", "--")
    with stand.following(types=["message", "turn"]) as events:
        stand.write("wait 20")
        events.until("message", state="started")
        stand.until_state("busy", hold="Claude is generating")
        assert stand.ccmux(*timer, "look") == "2\n"
        assert stand.ccmux(*timer, "look again") == ""
        skipped = stand.control(
            "send", message={"channel": "timer", "content": "and again", "unless_waiting": "mail"}
        )
        assert (skipped["id"], skipped["waits"], skipped["reason"]) == (None, 2, "Claude is generating")
        stand.ccmux("interrupt")
        assert events.until("turn")["outcome"] == "interrupted"
        assert events.until("turn")["message_ids"] == [2]
        assert stand.ccmux(*timer, '-- "third" $time') == "3\n"
        assert events.until("turn")["message_ids"] == [3]
    assert [prompt[7:] for prompt in stand.prompts()[1:]] == ["timer] look", 'timer] -- "third" $time']
