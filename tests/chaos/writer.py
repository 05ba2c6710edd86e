"""A program that sends messages, as adapters, shells and scripts do. It runs alone: standard library only.

    writer.py KIND NAME RUN_DIR LEDGER FIRST SEED

Standard input: lines `PERIOD COUNT`; each sends COUNT messages. The ledger gets `try PERIOD TOKEN` before
each and `sent PERIOD TOKEN` once it was handed over: write(2) returned, or `ccmux send` exited 0. What is
between the two when it is killed may have been sent.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

GAP_S = 0.03
FILLERS = ("", "", "a plain line ", "Grüße, 你好 👩‍🚀 ", "{not json ", "x" * 900 + " ", "/slash !bang #hash ")


def token(name: str, number: int) -> str:
    """Return what is looked for in transcripts; it stands in one message only."""
    return f"n-{name}-{number:06d}-end"


class Fifo:
    """Writes lines to a FIFO; opens it again where its reader has gone, and for every line if `reopens`."""

    def __init__(self, path: Path, *, reopens: bool) -> None:
        self._path = path
        self._reopens = reopens
        self._end = -1

    def write(self, line: str) -> None:
        data = line.encode() + b"\n"
        while True:
            try:
                if self._end < 0:
                    self._end = os.open(self._path, os.O_WRONLY)  # waits for a reader
                os.write(self._end, data)  # at most PIPE_BUF bytes: whole or not at all
            except (BrokenPipeError, FileNotFoundError):
                self._close()
                time.sleep(0.02)
            else:
                if self._reopens:
                    self._close()
                return

    def _close(self) -> None:
        end, self._end = self._end, -1
        with suppress(OSError):
            os.close(end)


def send(text: str, key: str) -> None:
    """Run `ccmux send` until it says that the message is kept."""
    command = [sys.executable, "-m", "ccmux", "send", "-c", "sent", "--id", key, "--", text]
    while subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        time.sleep(0.05)


def way(kind: str, name: str, run_dir: Path, chance: random.Random) -> Callable[[str], None]:
    """Return what sends the message with this token."""
    own = Fifo(run_dir / f"in.{name}", reopens=False)
    shared = Fifo(run_dir / "in", reopens=True)

    def text(mark: str) -> str:
        return chance.choice(FILLERS) + mark

    def keyed(mark: str) -> None:
        content = f"{mark}\nwait 0.2" if chance.random() < 0.2 else text(mark)
        own.write(json.dumps({"content": content, "id": mark}))

    return {
        "keyed": keyed,
        "plain": lambda mark: own.write("> " + text(mark)),
        "echo": lambda mark: shared.write("> " + text(mark)),
        "send": lambda mark: send(text(mark), mark),
        "tell": lambda mark: own.write(f"tell chat {mark}"),
        "slow": lambda mark: own.write(json.dumps({"content": f"{mark}\nwait 0.8"})),
    }[kind]


def main(argv: list[str]) -> None:
    """Send what standard input asks for, until it ends."""
    kind, name, run_dir, ledger_path, first, seed = argv
    chance = random.Random(f"{seed}{name}{first}")
    hand_over = way(kind, name, Path(run_dir), chance)
    number = int(first)
    with Path(ledger_path).open("a", buffering=1) as ledger:
        for line in sys.stdin:
            period, count = line.split()
            for _ in range(int(count)):
                time.sleep(chance.random() * 2 * GAP_S)
                mark = token(name, number)
                ledger.write(f"try {period} {mark}\n")
                hand_over(mark)
                ledger.write(f"sent {period} {mark}\n")
                number += 1


if __name__ == "__main__":
    main(sys.argv[1:])
