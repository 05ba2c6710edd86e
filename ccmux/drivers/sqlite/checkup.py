"""Looks into a database without writing, beside a daemon that has it open and never in its way."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from ccmux.core.doctor.database import DatabaseFacts
from ccmux.drivers.sqlite.backup import backups, schema_of
from ccmux.drivers.sqlite.troubles import is_damage, store_failed

CHECK_S = 2.0
"""The integrity check reads the whole file; one that is larger than this allows is left unchecked."""

_STEPS_A_LOOK = 20_000
_BUSY_S = 1.0


def check_up(path: Path, *, check_s: float = CHECK_S) -> DatabaseFacts | None:
    """Return what the database says of itself; None where there is none."""
    if not path.exists():
        return None
    said = str(path)
    kept: dict[str, int] = {}
    try:
        size = sum(
            part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.exists()
        )
        kept = {str(backup): schema_of(backup) for backup in backups(path)}
        with closing(_opened(path)) as db:
            [schema] = db.execute("PRAGMA user_version").fetchone()
            damage = _damage(db, check_s)
            return DatabaseFacts(
                path=said,
                bytes=size,
                schema=schema,
                damage=damage or "",
                checked=damage is not None,
                newest_event=_newest_event(db),
                counts=_counts(db),
                paused=_is_paused(db),
                backups=kept,
            )
    except (sqlite3.Error, OSError) as error:
        if is_damage(error):
            return DatabaseFacts(path=said, damage=str(error), backups=kept)
        failed = store_failed(path, error)
        return DatabaseFacts(path=said, failure=failed.reason, way_out=failed.way_out, backups=kept)


def last_claude(path: Path) -> tuple[int, float] | None:
    """Return the pid of the Claude that was started last, and when; None where it ended or nobody knows."""
    if not path.exists():
        return None
    try:
        with closing(_opened(path)) as db:
            sql = "SELECT ts, line FROM event WHERE type = 'claude' ORDER BY seq DESC LIMIT 1"
            for ts, line in db.execute(sql):
                told = msgspec.json.decode(line, type=_ClaudeEvent)
                if told.pid is not None and told.event in {"started", "resumed"}:
                    return told.pid, ts
    except (sqlite3.Error, msgspec.DecodeError):
        pass  # whoever wants to know why asks for the whole check-up
    return None


class _ClaudeEvent(msgspec.Struct):
    event: str
    pid: int | None = None


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
    db.execute("PRAGMA query_only = ON")
    return db


def _damage(db: sqlite3.Connection, check_s: float) -> str | None:
    """Return the first damage, "" where there is none, None where the check took too long."""
    until_s = time.monotonic() + check_s
    db.set_progress_handler(lambda: time.monotonic() > until_s, _STEPS_A_LOOK)
    try:
        [found] = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    finally:
        db.set_progress_handler(None, 0)
    return "" if found == "ok" else str(found)


def _newest_event(db: sqlite3.Connection) -> float | None:
    row = _row(db, "SELECT ts FROM event ORDER BY seq DESC LIMIT 1")
    return float(row[0]) if row else None


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    queued = _row(db, "SELECT count(*) FROM message WHERE state = 'queued'")
    dead = _row(db, "SELECT count(*) FROM message WHERE state = 'dead' AND dropped_at IS NULL")
    return {"queued": queued[0] if queued else 0, "dead": dead[0] if dead else 0}


def _is_paused(db: sqlite3.Connection) -> bool:
    return _row(db, "SELECT 1 FROM pause") is not None


def _row(db: sqlite3.Connection, sql: str) -> tuple[int, ...] | None:
    """Return the first row; None where there is none, and where an older schema lacks the table."""
    try:
        row: tuple[int, ...] | None = db.execute(sql).fetchone()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return None
        raise
    return row
