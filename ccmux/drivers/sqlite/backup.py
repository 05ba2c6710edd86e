"""Copies of the database as it was before its tables were changed: one a schema, beside it, the newest two.

It never touches the database. A copy is whole and on disk before it has its name.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from pathlib import Path

from ccmux.core.errors import StoreFailed

BACKUPS_KEPT = 2
_BYTES_A_MB = 1_000_000


def back_up(db: sqlite3.Connection, path: Path, *, schema: int) -> Path:
    """Copy the database at `path`, open as `db`, whose schema has this number; return the copy.

    Raises:
        StoreFailed: There is no copy: no room on the disk, say.

    """
    backup = path.with_name(f"{path.stem}-schema-{schema}{path.suffix}")
    unfinished = backup.with_suffix(".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        # One statement: it sees the database as of one moment, also what is still in the write-ahead log.
        db.execute("VACUUM INTO ?", (str(unfinished),))
        _sync(unfinished)
        unfinished.replace(backup)
        _sync(path.parent)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreFailed(
            str(path),
            f"the backup that is kept before its tables are changed cannot be written ({error})",
            f"{_way_out(path, error)} and start again: the database is as it was",
        ) from error
    for old in backups(path)[BACKUPS_KEPT:]:
        with suppress(OSError):
            old.unlink()
    return backup


def backups(path: Path) -> list[Path]:
    """Return the copies of the database at `path`, newest first."""
    name = re.compile(rf"{re.escape(path.stem)}-schema-[0-9]+{re.escape(path.suffix)}")
    found = [file for file in path.parent.iterdir() if name.fullmatch(file.name)]
    return sorted(found, key=lambda file: file.stat().st_mtime_ns, reverse=True)


def schema_of(backup: Path) -> int:
    """Return the number of the schema that a copy has."""
    return int(backup.stem.rpartition("-")[2])


def _way_out(path: Path, error: sqlite3.Error | OSError) -> str:
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
        needed_mb = path.stat().st_size // _BYTES_A_MB + 1
        return f"free {needed_mb} MB on the disk of {path.parent}"
    return f"see that {path.parent} is writable and has room"


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
