import asyncio
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ccmux.core.errors import StoreFailed
from ccmux.core.live.metrics import Recent, Totals
from ccmux.core.live.prices import Usage
from ccmux.core.live.registration import Registration
from ccmux.drivers.sqlite import SqliteLiveStore
from ccmux.ports import KeptSession, Position


def with_store(path: Path, story: Callable[[SqliteLiveStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await SqliteLiveStore.open(path)
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(run())


def session(id_: str, **more: object) -> KeptSession:
    told = Registration(
        session_id=id_, transcript_path="/t", cwd="/c", model="m", pid=7, sensitive=True, at=1.5
    )
    return KeptSession(registration=told, born="123", **more)  # type: ignore[arg-type]


def test_all_of_a_session_outlives_the_publisher(tmp_path: Path) -> None:
    kept = session(
        "a",
        totals=Totals(
            fresh=5, tools={"Bash": 2}, recent={"m": Recent("r", False, Usage(1, 2, 3, 4, 5), None)}
        ),
        positions={"/t": Position(7, "ab", skipping=True)},
        claims={1: 2, 3: 0},
    )

    async def first(store: SqliteLiveStore) -> None:
        assert await store.sessions() == []
        await store.keep([kept, session("b")])

    async def second(store: SqliteLiveStore) -> None:
        assert await store.sessions() == [kept, session("b")]

    with_store(tmp_path / "live.db", first)
    with_store(tmp_path / "live.db", second)
    assert stat.S_IMODE((tmp_path / "live.db").stat().st_mode) == 0o600


def test_kept_again_it_is_as_it_is_now_and_keeps_its_place_and_claims(tmp_path: Path) -> None:
    async def story(store: SqliteLiveStore) -> None:
        await store.keep([session("a", claims={1: 0}), session("b")])
        again = session("a", totals=Totals(output=9), claims={2: 5})
        await store.keep([again])
        first, second = await store.sessions()
        assert (first.totals.output, first.claims) == (9, {1: 0, 2: 5})
        assert second.registration.session_id == "b"

    with_store(tmp_path / "live.db", story)


def test_dropped_it_is_gone_with_its_claims(tmp_path: Path) -> None:
    async def story(store: SqliteLiveStore) -> None:
        await store.keep([session("a", claims={1: 0}), session("b", claims={2: 0})])
        await store.drop(["a", "nobody"])
        await store.keep([session("a")])
        assert [dict(one.claims) for one in await store.sessions()] == [{2: 0}, {}]

    with_store(tmp_path / "live.db", story)


def test_a_change_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    async def story(store: SqliteLiveStore) -> None:
        await store.keep([session("a")])
        with pytest.raises(StoreFailed):
            await store.keep([session("a", totals=Totals(output=9)), replace(session("b"), born=None)])  # type: ignore[arg-type]
        assert await store.sessions() == [session("a")]

    with_store(tmp_path / "live.db", story)


def test_a_newer_ccmuxs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "live.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreFailed, match="schema 99; this one knows 1"):
        asyncio.run(SqliteLiveStore.open(tmp_path / "live.db"))
