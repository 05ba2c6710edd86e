"""Every hold is called the same in status, `ccmux why`, the log and the `state` event."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from ccmux.core.control import explained, way_out
from ccmux.core.observation import Hold, ProcessSeen
from tests.services.test_dispatcher import PERMISSION, Desk, pass_time, story

WORDS = (
    "not running · starting · terminal active · Claude is generating · permission prompt · dialog · "
    "draft in the input box · copy mode · unknown screen · usage limit · login needed · paused · settling"
)
"""What users are promised."""


def idle(change: Callable[[Desk], None]) -> Callable[[Desk], None]:
    def arrange(desk: Desk) -> None:
        desk.running()
        change(desk)

    return arrange


def limited(desk: Desk) -> None:
    said = "You've hit your session limit · resets 3:45am"
    desk.claude.hook("StopFailure", error="rate_limit", last_assistant_message=said)


def logged_out(desk: Desk) -> None:
    desk.claude.footer += " Not logged in · Run /login"


SITUATIONS: dict[Hold, Callable[[Desk], None]] = {
    Hold.NOT_RUNNING: lambda desk: None,
    Hold.STARTING: lambda desk: desk.hub.tell(ProcessSeen(pid=7)),
    Hold.TERMINAL_ACTIVE: idle(lambda desk: setattr(desk.claude, "human_idle_s", 5.0)),
    Hold.GENERATING: idle(lambda desk: desk.claude.status("busy")),
    Hold.PERMISSION_PROMPT: idle(lambda desk: setattr(desk.claude, "screen", PERMISSION)),
    Hold.DIALOG: idle(lambda desk: desk.claude.status("waiting", "dialog open")),
    Hold.DRAFT: idle(lambda desk: setattr(desk.claude, "box", "half a thought")),
    Hold.COPY_MODE: idle(lambda desk: setattr(desk.claude, "in_mode", True)),
    Hold.UNKNOWN_SCREEN: idle(lambda desk: setattr(desk.claude, "screen", ("vim",))),
    Hold.USAGE_LIMIT: idle(limited),
    Hold.LOGIN_NEEDED: idle(logged_out),
    Hold.PAUSED: idle(lambda desk: setattr(desk.dispatcher, "_paused", True)),
    Hold.SETTLING: idle(lambda desk: setattr(desk.claude, "key_s", desk.claude.now_s())),
}


def test_there_are_the_promised_words_and_each_has_a_way_out() -> None:
    assert " · ".join(hold.value for hold in Hold) == WORDS
    assert list(SITUATIONS) == list(Hold)
    assert all(way_out(hold.value) for hold in Hold)


@pytest.mark.parametrize("hold", Hold, ids=lambda hold: hold.name)
def test_a_hold_has_one_word_everywhere(hold: Hold) -> None:
    async def tell(desk: Desk) -> None:
        with capture_logs() as logs:
            await pass_time(1)
            SITUATIONS[hold](desk)
            id_ = desk.send("hello")
            await pass_time(0.01)
        status = desk.dispatcher.status()
        assert status["hold"] == hold.value
        why = explained(
            desk.store.queue[id_], hold=status["hold"], detail=status["detail"], now_s=desk.clock.now()
        )
        assert why["reason"].partition(":")[0] == hold.value
        assert why["way_out"] == way_out(hold.value)
        told = hold.value if hold is not Hold.SETTLING else None  # it lasts a moment: nobody is told
        assert desk.store.states[-1][1] == told
        suppressed = [line for line in logs if line["event"].startswith("injection suppressed")]
        if told is not None:
            assert suppressed[-1]["event"] == f"injection suppressed: {told}"
            assert suppressed[-1]["hold"] == told
        else:
            assert suppressed == []

    story(tell, idle_threshold_s=0.0 if hold is Hold.SETTLING else 30.0)
