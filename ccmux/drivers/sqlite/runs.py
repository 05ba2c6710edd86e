"""The daemon's own runs: when each began, when it last lived, and when it ended in order.

A run without an end, that is not the newest, was killed. It judges nothing and tells no event.
"""

from __future__ import annotations

from ccmux.core.runs import Run
from ccmux.drivers.sqlite.connection import Connection

RUNS_KEPT = 200


def begin_run(connection: Connection) -> None:
    with connection.transaction() as now:
        connection.db.execute("INSERT INTO run (started_at, alive_at) VALUES (?, ?)", (now, now))
        newest = connection.one("SELECT max(id) FROM run")
        connection.db.execute("DELETE FROM run WHERE id <= ?", (newest - RUNS_KEPT,))


def renew_run(connection: Connection) -> None:
    # Not worth waking a disk for: the next message's commit brings it there too.
    connection.db.execute("PRAGMA synchronous = NORMAL")
    try:
        with connection.transaction() as now:
            connection.db.execute("UPDATE run SET alive_at = ? WHERE id = (SELECT max(id) FROM run)", (now,))
    finally:
        connection.db.execute("PRAGMA synchronous = FULL")


def end_run(connection: Connection) -> None:
    with connection.transaction() as now:
        connection.db.execute(
            "UPDATE run SET alive_at = ?, ended_at = ? WHERE id = (SELECT max(id) FROM run)", (now, now)
        )


def runs(connection: Connection) -> list[Run]:
    rows = connection.db.execute("SELECT started_at, alive_at, ended_at FROM run ORDER BY id")
    return [Run(started_at=started, alive_at=alive, ended_at=ended) for started, alive, ended in rows]
