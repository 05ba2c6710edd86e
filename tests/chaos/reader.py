"""A program that reads an output FIFO into a ledger, as an adapter does. It runs alone.

    reader.py FIFO LEDGER

SIGUSR1 lets it die at once (SIGKILL) where it has nothing in its hands: what it has read is in the ledger.
"""

from __future__ import annotations

import os
import select
import signal
import sys


def main(fifo: str, ledger: str) -> None:
    """Copy bytes until killed."""
    waker, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    kept = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        # While nobody writes, poll tells POLLHUP again and again; poll at leisure then.
        ready, _, _ = select.select([pipe, waker], [], [])
        if waker in ready:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            data = os.read(pipe, 65536)
        except BlockingIOError:
            continue
        if not data:
            select.select([waker], [], [], 0.02)
        os.write(kept, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
