"""A great load on the whole daemon: 8 writers at full speed, then a start and an injection beside all of it.

It fails if a line is lost, or out of order within its writer.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.house.stand import Stand, remove, short_folder

WRITERS = 8

WRITER = """
import sys
path, name, count = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
with open(path, "wb", buffering=0) as pipe:
    for first in range(0, count, 5000):
        data = b"".join(b"%s %096d\\n" % (name, n) for n in range(first, min(count, first + 5000)))
        while data:
            data = data[pipe.write(data):]
"""


def main() -> int:
    """Measure and print; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="scripts/bench load", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, metavar="N")
    count = parser.parse_args().messages // WRITERS
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as stand:
            stand.settings["timing"] = {"idle_threshold": 0.1, "silence_timeout": 0.1}
            stand.start()
            stand.stop()
            _say("start until it answers, with an empty queue", _start_s(stand))
            stand.until_state("idle")
            _say("injection into an empty queue", _injection_s(stand))
            stand.control("pause")
            wrong = _flood(stand, count)
            _with_backlog(stand)
    finally:
        remove(folder)
    return 1 if wrong else 0


def _flood(stand: Stand, count: int) -> int:
    """Let the writers write, and return how many lines are lost or out of order."""
    doors = [stand.run / f"in.w{number}" for number in range(WRITERS)]
    for door in doors:
        os.mkfifo(door, 0o600)
    before = stand.status()["last_seq"]
    begun = time.perf_counter()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, door, f"w{number}", str(count)])
        for number, door in enumerate(doors)
    ]
    wal, tick = 0, 0.0
    print("  seconds    messages     RSS MiB     WAL MiB    status ms")
    while (taken := _taken(stand)) < WRITERS * count and time.perf_counter() < begun + 600:
        wal = max(wal, _size(stand.folder / "data/ccmux/stand/ccmux.db-wal"))
        if time.perf_counter() >= begun + tick:
            tick += 2
            asked = time.perf_counter()
            stand.status()
            answered_ms = 1_000 * (time.perf_counter() - asked)
            at_s = time.perf_counter() - begun
            print(
                f"  {at_s:7.1f} {taken:11,} {_rss_mib(stand):11.0f} {wal / 2**20:11.1f} {answered_ms:12.1f}"
            )
        time.sleep(0.1)
    took_s = time.perf_counter() - begun
    for writer in writers:
        writer.wait()
    assert stand.status()["last_seq"] >= before + WRITERS * count
    wrong = _wrong(stand, count)
    print(f"  {WRITERS * count / took_s:,.0f} messages/s, {wrong} lost or out of order")
    print(f"  at the end: RSS {_rss_mib(stand):.0f} MiB, WAL at most {wal / 2**20:.1f} MiB")
    return wrong


def _with_backlog(stand: Stand) -> None:
    """Start with everything waiting, and inject the first of it."""
    stand.stop()
    _say("start until it answers, with the backlog", _start_s(stand))
    begun = time.perf_counter()
    stand.status()
    _say("`status` with the backlog", time.perf_counter() - begun)
    stand.until_state("idle")
    with stand.following(types=["message"]) as events:
        begun = time.perf_counter()
        stand.control("resume")
        events.until_sent()
        _say("resume until submitted, with the backlog", time.perf_counter() - begun)


def _start_s(stand: Stand) -> float:
    begun = time.perf_counter()
    stand.start(wait=False)
    return time.perf_counter() - begun


def _injection_s(stand: Stand) -> float:
    """Return seconds from resume to submitted, with one message waiting."""
    stand.control("pause")
    stand.write("hello")
    with stand.following(types=["message"]) as events:
        begun = time.perf_counter()
        stand.control("resume")
        events.until_sent()
        took_s = time.perf_counter() - begun
        stand.until_state("idle")
    return took_s


def _taken(stand: Stand) -> int:
    with _database(stand) as db:
        [newest] = db.execute("SELECT max(id) FROM message").fetchone()
    return int(newest) - 1  # the one of the empty queue


def _wrong(stand: Stand, count: int) -> int:
    wrong = 0
    with _database(stand) as db:
        for number in range(WRITERS):
            rows = db.execute("SELECT content FROM message WHERE channel = ? ORDER BY id", (f"w{number}",))
            kept = [content for (content,) in rows]
            expected = (f"w{number} {n:096d}" for n in range(count))
            wrong += sum(1 for text, wanted in zip(kept, expected, strict=False) if text != wanted)
            wrong += abs(count - len(kept))
    return wrong


@contextmanager
def _database(stand: Stand) -> Iterator[sqlite3.Connection]:
    path = stand.folder / "data/ccmux/stand/ccmux.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        yield db


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _rss_mib(stand: Stand) -> float:
    assert stand.daemon is not None
    for line in Path(f"/proc/{stand.daemon.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    return 0.0


def _say(what: str, took_s: float) -> None:
    print(f"  {what}: {took_s:.3f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
