"""What goes on with a cut turn is known again as that."""

from __future__ import annotations

from dataclasses import replace

from ccmux.core.continuation import continuation_of, is_continuation
from ccmux.core.messages import Message, MessageState

INCOMING = continuation_of("p1", ts=5.0)
MESSAGE = Message(
    id=1,
    channel=INCOMING.channel,
    content=INCOMING.content,
    ts=INCOMING.ts,
    key=INCOMING.key,
    meta={},
    attachments=(),
    state=MessageState.QUEUED,
)


def test_it_names_its_turn_and_asks_to_go_on() -> None:
    assert (INCOMING.channel, INCOMING.key, INCOMING.ts) == ("ccmux", "continue-p1", 5.0)
    assert "go on" in INCOMING.content


def test_it_is_known_by_channel_and_key_together() -> None:
    assert is_continuation(MESSAGE)
    assert not is_continuation(replace(MESSAGE, channel="mail"))
    assert not is_continuation(replace(MESSAGE, key="other"))
    assert not is_continuation(replace(MESSAGE, key=None))
