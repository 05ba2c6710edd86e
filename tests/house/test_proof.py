"""The whole house proves what it did, keeps what it could not take, and waits for its database."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.house.stand import Stand, remove, short_folder, until


@pytest.fixture
def stand() -> Iterator[Stand]:
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            yield made.start()
    finally:
        remove(folder)


def test_all_is_proved_with_and_without_a_daemon_and_dead_letters_come_back_to_the_byte(stand: Stand) -> None:
    with stand.following() as events:
        stand.write("one")
        events.until("turn", message_ids=[1])
        stand.write("one")
        events.until("turn", message_ids=[2])
        with (stand.run / "in").open("wb") as pipe:
            pipe.write(b"\xff\x00\n")
        events.until("message", id=3, state="dead")
    shown = subprocess.run(
        [sys.executable, "-m", "ccmux", "dead", "show", "3"],
        cwd=stand.project,
        env=stand.environment,
        capture_output=True,
        check=True,
    )
    assert shown.stdout == b"\xff\x00"
    assert stand.ccmux("dead", "retry", "3", check=False) == ""
    assert stand.ccmux("dead", "drop", "3") == "dropped: 3\n"
    assert stand.ccmux("dead") == "there are no dead letters\n"
    running = stand.ccmux("prove")
    assert running.startswith("3 received, 2 answered, 0 waiting, 0 missing, 0 doubled, 0 uncertain")
    stand.stop()
    assert stand.ccmux("prove") == running
    for path in stand.transcripts():
        path.unlink()
    assert json.loads(stand.ccmux("prove", "--json"))["unprovable"] == [1, 2]


def test_a_locked_database_is_waited_for_and_status_says_so(stand: Stand) -> None:
    path = stand.folder / "data" / "ccmux" / "stand" / "ccmux.db"
    with stand.following() as events, closing(sqlite3.connect(path, isolation_level=None)) as other:
        stand.write("before")
        events.until("turn", message_ids=[1])
        stand.until_state("idle")
        other.execute("BEGIN EXCLUSIVE")
        stand.write("meanwhile")
        until(lambda: "locked" in stand.status()["trouble"], "status says what it waits for")
        assert "database  waits: database is locked" in stand.ccmux("status")
        other.execute("COMMIT")
        events.until("turn", message_ids=[2])
    assert stand.status()["trouble"] == ""
