"""A spool tells when something last came, what waits too long and what nobody understood."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ccmux.drivers.spool_state import spool_state


def test_none_is_told_as_none(tmp_path: Path) -> None:
    assert spool_state(tmp_path / "none", older_than=0).changed_at is None


def test_only_whole_files_that_lie_there_for_long_wait(tmp_path: Path) -> None:
    now = time.time()
    for name, age_s in {"1.json": 10, "2.json": 10, "3.json": 1, ".4": 10}.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - age_s, now - age_s))
    (tmp_path / "rejected").mkdir()
    (tmp_path / "rejected" / "5.json").touch()
    found = spool_state(tmp_path, older_than=now - 5)
    assert (found.waiting, found.rejected) == (2, 1)


def test_what_came_and_was_taken_has_left_its_time(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    os.utime(spool, (1_000.0, 1_000.0))
    assert spool_state(spool, older_than=0).changed_at == 1_000.0
    (spool / ".x").touch()
    (spool / ".x").rename(spool / "x.json")
    (spool / "x.json").unlink()
    changed_at = spool_state(spool, older_than=0).changed_at
    assert changed_at is not None
    assert changed_at > 1_000.0
