"""What runs in the canary's pane: hands on every byte of its terminal. A program of its own.

    python -I -S canary_reader.py FIFO

It asks for bracketed paste and then for the terminal's name: the answer says that tmux has read the wish.
"""

from __future__ import annotations

import os
import sys
import tty

READY = b"ready"
_BRACKETED_PASTE, _WHO_ARE_YOU = b"\x1b[?2004h", b"\x1b[c"


def main(fifo: str) -> None:
    """Read until the terminal ends."""
    tty.setraw(0)
    to_us = os.open(fifo, os.O_WRONLY)
    os.write(1, _BRACKETED_PASTE + _WHO_ARE_YOU)
    answer = b""
    while not answer.endswith(b"c"):
        answer += os.read(0, 1_024)
    os.write(to_us, READY)
    while got := os.read(0, 65_536):
        os.write(to_us, got)


if __name__ == "__main__":
    main(sys.argv[1])
