"""Reads how a spool stands, beside the daemon that takes from it. It takes and removes nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_REJECTED = "rejected"
"""Where `spool.py` sets aside what nobody understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolState:
    """A spool folder.

    Attributes:
        changed_at: When a file last came or went, epoch seconds; None where there is no folder.
        waiting: Files that lie there for longer than it takes a daemon to take them.
        rejected: Files that nobody understood.

    """

    changed_at: float | None
    waiting: int = 0
    rejected: int = 0


def spool_state(folder: Path, *, older_than: float) -> SpoolState:
    """Return how it stands; files that came after `older_than` (epoch seconds) do not wait yet.

    Raises:
        OSError: It cannot be looked at.

    """
    try:
        changed_at = folder.stat().st_mtime
    except FileNotFoundError:
        return SpoolState(changed_at=None)
    waiting = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # taken meanwhile
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    waiting += entry.stat(follow_symlinks=False).st_mtime < older_than
    aside = folder / _REJECTED
    return SpoolState(
        changed_at=changed_at,
        waiting=waiting,
        rejected=sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0,
    )
