"""Databases of an older and of a newer ccmux, and the runs of the daemon."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccmux.core.errors import StoreFailed
from ccmux.core.messages import Incoming
from ccmux.core.runs import Run
from ccmux.drivers.clock import WallClock
from ccmux.drivers.sqlite import MIGRATIONS, SqliteStore
from ccmux.drivers.sqlite.backup import BACKUPS_KEPT, backups
from ccmux.drivers.sqlite.runs import RUNS_KEPT

NEWEST = len(MIGRATIONS)
FULL_SYNC = 2


def older(path: Path, steps: int, *, content: str = "hello") -> None:
    """Write a database as the ccmux of that time left it, with one message."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for number, step in enumerate(MIGRATIONS[:steps], start=1):
            db.executescript(f"BEGIN; {step}; PRAGMA user_version = {number}; COMMIT;")
        db.execute(
            "INSERT INTO message (id, channel, content, ts, meta, attachments, state, changed_at)"
            " VALUES (7, 'tg', ?, 5.0, '{}', '[]', 'queued', 6.0)",
            (content,),
        )
        db.commit()


def on(path: Path, story: Callable[[SqliteStore], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        store = await SqliteStore.open(path, session="x", clock=WallClock(), on_events=lambda _: None)
        try:
            await story(store)
        finally:
            await store.close()

    with capture_logs():
        asyncio.run(told())


async def nothing(_: SqliteStore) -> None: ...


def schema(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [text for (text,) in db.execute("SELECT content FROM message ORDER BY id")]


@pytest.mark.parametrize("steps", range(1, NEWEST))
def test_an_older_database_is_copied_and_then_brought_up_to_date(tmp_path: Path, steps: int) -> None:
    path = tmp_path / "ccmux.db"
    older(path, steps)

    async def story(store: SqliteStore) -> None:
        assert [message.content for message in await store.waiting(10)] == ["hello"]
        await store.take_in([Incoming(channel="tg", content="new", ts=1.0)])
        await store.begin_run()

    on(path, story)
    assert (schema(path), contents(path)) == (NEWEST, ["hello", "new"])
    [backup] = backups(path)
    assert backup.name == f"ccmux-schema-{steps}.db"
    assert (schema(backup), contents(backup)) == (steps, ["hello"])
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == [backup.name, path.name]


def test_what_stands_in_the_log_alone_is_in_the_copy_too(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"
    older(path, 3)
    dies = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "db.execute(\"UPDATE message SET content = 'in the log'\"); db.commit(); os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", dies, str(path)], check=True)
    assert (tmp_path / "ccmux.db-wal").stat().st_size > 0
    on(path, nothing)
    assert contents(backups(path)[0]) == ["in the log"]


def test_a_new_and_an_up_to_date_database_are_not_copied(tmp_path: Path) -> None:
    on(tmp_path / "ccmux.db", nothing)
    on(tmp_path / "ccmux.db", nothing)
    assert backups(tmp_path / "ccmux.db") == []


def test_the_newest_copies_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    path, other = tmp_path / "ccmux.db", tmp_path / "ccmux-schema-1.db.mine"
    other.write_text("")
    for steps in range(1, NEWEST):
        path.unlink(missing_ok=True)
        older(path, steps)
        on(path, nothing)
    assert [backup.name for backup in backups(path)] == [
        f"ccmux-schema-{steps}.db" for steps in range(NEWEST - 1, NEWEST - 1 - BACKUPS_KEPT, -1)
    ]
    assert other.exists()


FULL = """
import asyncio, sys
from pathlib import Path
from ccmux.core.errors import StoreFailed
from ccmux.drivers.clock import WallClock
from ccmux.drivers.sqlite import SqliteStore
try:
    opening = SqliteStore.open(Path(sys.argv[1]), session="x", clock=WallClock(), on_events=lambda _: None)
    asyncio.run(opening)
except StoreFailed as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs root")
def test_without_room_for_the_copy_the_start_is_refused_and_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    older(path, 2, content="x" * 600_000)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=1m tmpfs "$1" && cp "$2" "$1/ccmux.db" && "$3" -c "$4" "$1/ccmux.db" &&'
        ' cmp "$2" "$1/ccmux.db" && ls "$1"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(disk), str(path), sys.executable, FULL],
        capture_output=True,
        check=True,
        text=True,
    )
    says, *files = done.stdout.splitlines()
    assert "the backup that is kept before its tables are changed cannot be written" in says
    assert f"free 1 MB on the disk of {disk} and start again: the database is as it was" in says
    assert files == ["ccmux.db"]


def test_a_newer_database_is_refused_with_a_way_back_that_works(tmp_path: Path) -> None:
    path = tmp_path / "cc mux.db"
    older(path, 3)
    on(path, nothing)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(StoreFailed, match=r"a newer ccmux wrote it .* upgrade this one; or lose") as refused:
        on(path, nothing)
    assert path.read_bytes() == before
    command = str(refused.value).split("`")[1]
    (tmp_path / "cc mux.db-wal").write_bytes(b"left by a kill")
    subprocess.run(["sh", "-c", command], check=True)
    on(path, nothing)
    assert contents(path) == ["hello"]


# --------------------------------------------------------------------------------------------------- runs


def test_runs_are_remembered_with_their_last_sign_of_life_and_their_end(tmp_path: Path) -> None:
    path = tmp_path / "ccmux.db"

    async def killed(store: SqliteStore) -> None:
        await store.begin_run()
        await store.renew_run()
        assert store._connection.one("PRAGMA synchronous") == FULL_SYNC

    async def stopped(store: SqliteStore) -> None:
        await store.begin_run()
        await store.end_run()

    async def asks(store: SqliteStore) -> None:
        await store.begin_run()
        first, second, third = await store.runs()
        assert first.started_at < first.alive_at < second.started_at < second.alive_at < third.started_at
        assert (first.ended_at, second.ended_at) == (None, second.alive_at)
        assert third == Run(started_at=third.started_at, alive_at=third.started_at)

    for story in (killed, stopped, asks):
        on(path, story)


def test_old_runs_go(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        for _ in range(RUNS_KEPT + 3):
            await store.begin_run()
        assert len(await store.runs()) == RUNS_KEPT

    on(tmp_path / "ccmux.db", story)
