"""Tasks outlive the overseer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from ccmux.core.errors import StoreFailed
from ccmux.core.overseer.retry import Past, RetryPolicy
from ccmux.core.overseer.task import Definition, Record, TaskState
from ccmux.drivers.sqlite import SqliteTasks

FULL = Record(
    task_id="full 🦉",
    definition=Definition(
        command="sh",
        args=("-c", "echo 'x'\n"),
        retry_policy=RetryPolicy(restart_delay="5s", error_threshold=3, done_exit_codes=(0, 7)),
    ),
    state=TaskState.ERRORED,
    wanted=False,
    created_at=1.5,
    last_started_at=2.5,
    last_exited_at=3.5,
    last_exit_code=-1,
    restart_count=4,
    pid=4711,
    birth="123456",
    past=Past(exits=(1.25, 3.5), in_a_row=2),
    error_message="it ended 3 times",
    standing=True,
)
BARE = Record(task_id="bare", definition=Definition(command="true"), created_at=1.0)


def on(path: Path, story: Callable[[SqliteTasks], Awaitable[None]]) -> None:
    async def told() -> None:
        store = await SqliteTasks.open(path)
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(told())


async def nothing(_: SqliteTasks) -> None:
    """It is enough that it opens."""


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "gone", tmp_path / "file"):
        with pytest.raises(StoreFailed, match=rf"there is no folder {folder}; make it, or name another file"):
            on(folder / "tasks.db", nothing)


def test_what_is_saved_is_loaded_oldest_first(tmp_path: Path) -> None:
    async def save(store: SqliteTasks) -> None:
        assert await store.load() == []
        await store.save([FULL, BARE])
        BARE.restart_count = 1
        await store.save([BARE])

    async def load(store: SqliteTasks) -> None:
        assert await store.load() == [BARE, FULL]
        await store.forget(["bare", "nobody"])
        assert await store.load() == [FULL]
        await store.save([])

    on(tmp_path / "db", save)
    on(tmp_path / "db", load)
    assert (tmp_path / "db").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / "db")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_cannot_be_saved_is_said_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "db"

    async def story(store: SqliteTasks) -> None:
        wrong = Record(task_id="wrong", definition=Definition(command="x"), created_at=float("nan"))
        with pytest.raises(StoreFailed):
            await store.save([BARE, wrong])
        assert await store.load() == []
        await store.save([BARE])

    on(path, story)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")

    async def story() -> None:
        with pytest.raises(StoreFailed, match="a newer ccmux wrote it"):
            await SqliteTasks.open(path)

    asyncio.run(story())
