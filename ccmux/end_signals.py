"""Hears the signals that ask a program of ours to end: from a manager, a key, or a terminal that closes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def when_told_to_end(end: Callable[[], object]) -> None:
    """Let the running loop call `end` at SIGTERM, SIGINT and SIGHUP; under nohup(1), not at the last."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, end)
