"""What SQLite's errors mean to a person: our one error, whether it passes, and the way out of it.

It never waits and never tries again; see `thread.py`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ccmux.core.errors import StoreFailed

_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    }
)
"""A person or another program can end these while we wait; a damaged database heals by no waiting."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "free some disk space; ccmux goes on by itself",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable for this user",
    sqlite3.SQLITE_BUSY: "another program holds it; close that program",
    sqlite3.SQLITE_IOERR: "look at the disk",
    **dict.fromkeys(_DAMAGED, "move it aside, or restore a backup: ccmux doctor names the commands"),
}
"""What a person can do, by primary result code (https://www.sqlite.org/rescode.html)."""
_ANY_WAY_OUT = "make the file and its folder writable, and see that the disk is not full"


def store_failed(path: Path, error: sqlite3.Error | OSError) -> StoreFailed:
    """Return our error for this one; raise it `from` it."""
    code = _primary(error)
    if not path.parent.is_dir():
        return StoreFailed(str(path), f"there is no folder {path.parent}", "make it, or name another file")
    return StoreFailed(str(path), str(error), _WAYS_OUT.get(code, _ANY_WAY_OUT), passes=code in _PASSING)


def is_busy(error: StoreFailed) -> bool:
    """Tell whether another program held the database."""
    return _primary(error.__cause__) == sqlite3.SQLITE_BUSY


def is_damage(error: sqlite3.Error | OSError) -> bool:
    """Tell whether the file is no database, or none any more."""
    return _primary(error) in _DAMAGED


def _primary(error: BaseException | None) -> int:
    """Return SQLite's primary result code, 0 where the error is none of SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    # The file was deleted or another was put in its place: to wait for it is of no use.
    return 0 if code == sqlite3.SQLITE_READONLY_DBMOVED else code & 0xFF
