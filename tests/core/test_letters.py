"""Whether a dead letter may be tried again."""

from __future__ import annotations

import pytest

from ccmux.core.letters import AsItStands, DeadLetter, StillDead, again
from ccmux.core.messages import Incoming


def letter(raw: bytes | None, *, whole_bytes: int | None = None) -> DeadLetter:
    return DeadLetter(
        id=1, channel="tg", at=2.0, reason="r", key=None, raw=raw, content="é", whole_bytes=whole_bytes
    )


def test_what_was_kept_is_the_line_or_the_messages_text() -> None:
    assert letter(b"\xff\x00").verbatim == b"\xff\x00"
    assert letter(None).verbatim == "é".encode()


def test_a_message_is_queued_as_it_stands() -> None:
    assert again(letter(None), max_line_bytes=1, now_s=5.0) == AsItStands()


def test_a_line_that_fits_now_becomes_the_message_it_is() -> None:
    assert again(letter(b"hello"), max_line_bytes=5, now_s=5.0) == Incoming(
        channel="tg", content="hello", ts=5.0
    )


STILL_DEAD = {
    "its end is gone": (letter(b"hello", whole_bytes=9), "first 5 of its 9 bytes"),
    "still too long": (letter(b"hello!"), "max_message_bytes is 5: raise it"),
    "still no message": (letter(b'{"a"'), "still no message (not valid JSON"),
}


@pytest.mark.parametrize(("dead", "reason"), STILL_DEAD.values(), ids=STILL_DEAD)
def test_what_cannot_be_a_message_stays_dead_and_says_why(dead: DeadLetter, reason: str) -> None:
    said = again(dead, max_line_bytes=5, now_s=5.0)
    assert isinstance(said, StillDead)
    assert reason in said.reason
