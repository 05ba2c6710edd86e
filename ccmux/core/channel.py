"""What a channel's name may be, and how FIFO names and channels belong together. It opens nothing."""

from __future__ import annotations

import re

CHANNEL_RULE = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
CHANNEL_NAMES = "letters, digits, _ . and -, at most 64"
"""The rule, for a person."""
DEFAULT_CHANNEL = "default"

_CHANNEL = re.compile(CHANNEL_RULE)


def is_channel(name: str) -> bool:
    """Tell whether `name` is a channel's name."""
    return _CHANNEL.fullmatch(name) is not None


def input_channel(fifo_name: str) -> str | None:
    """Return the channel that a file of this name in the runtime directory feeds, or None."""
    if fifo_name == "in":
        return DEFAULT_CHANNEL
    return _after("in.", fifo_name)


def is_misnamed_input(fifo_name: str) -> bool:
    """Tell whether a file's name begins as an input's does, and no channel's name follows."""
    return fifo_name.startswith("in.") and input_channel(fifo_name) is None


def output_channel(fifo_name: str) -> str | None:
    """Return the channel that a file of this name in the runtime directory delivers, or None."""
    return _after("out.", fifo_name)


def believed(claimed: str, fifo_channel: str) -> bool:
    """Tell whether a writer on this FIFO's channel may speak for `claimed`: itself or one below it."""
    return claimed == fifo_channel or claimed.startswith(fifo_channel + ".")


def _after(prefix: str, name: str) -> str | None:
    channel = name.removeprefix(prefix)
    return channel if channel != name and is_channel(channel) else None
