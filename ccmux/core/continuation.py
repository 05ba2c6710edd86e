"""What is said to Claude after a crash cut a turn that carried messages: what, under which name, how often.

Who says it, and whether, is decided elsewhere.
"""

from __future__ import annotations

from ccmux.core.messages import Incoming, Message

CONTINUATIONS_MAX = 3
"""A message whose turn is cut more often may itself be what kills Claude; it counts as answered then."""

CUT = "turn crashed"
"""Why such a message is where it is."""

_CHANNEL = "ccmux"
_KEY = "continue-"
_TEXT = "You were interrupted in the middle of your work by a crash. Please go on where you stopped."


def continuation_of(prompt_id: str, *, ts: float) -> Incoming:
    """Return the message that asks Claude to go on with a turn; `ts`: epoch seconds of now."""
    return Incoming(channel=_CHANNEL, content=_TEXT, ts=ts, key=f"{_KEY}{prompt_id}")


def is_continuation(message: Message) -> bool:
    """Tell whether a message is such a one."""
    return message.channel == _CHANNEL and (message.key or "").startswith(_KEY)
