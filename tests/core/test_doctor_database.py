"""A database is sound, or the way out is a backup where there is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccmux.core.doctor.database import DatabaseFacts, judge_database
from ccmux.core.findings import Verdict

SOUND = DatabaseFacts(path="/d/ccmux.db", bytes=1_500_000, schema=7)

BACKUPS = {"/d/of newer": 8, "/d/old": 6}
PUT_BACK = "rm -f /d/ccmux.db-wal /d/ccmux.db-shm && cp /d/old /d/ccmux.db"
AWAY = "ccmux stop; mkdir -p /d/damaged && mv /d/ccmux.db* /d/damaged/; then start ccmux"


@pytest.mark.parametrize(
    ("facts", "verdict", "word", "mend"),
    [
        (None, Verdict.OK, "none yet", ""),
        (SOUND, Verdict.OK, "1.5 MB, schema 7; sound", ""),
        (replace(SOUND, schema=5), Verdict.OK, "brought to 7 at the next start", ""),
        (replace(SOUND, backups={"/d/b": 6}), Verdict.OK, "; 1 backup; sound", ""),
        (replace(SOUND, backups=BACKUPS), Verdict.OK, "; 2 backups; sound", ""),
        (replace(SOUND, schema=8), Verdict.BAD, "a newer ccmux", "upgrade ccmux"),
        (replace(SOUND, schema=9, backups=BACKUPS), Verdict.BAD, "a newer ccmux", f"upgrade: {PUT_BACK}"),
        (replace(SOUND, failure="no", way_out="look"), Verdict.BAD, "cannot be read: no", "look"),
        (replace(SOUND, damage="row 3"), Verdict.BAD, "damaged: row 3", AWAY),
        (replace(SOUND, damage="x", backups=BACKUPS), Verdict.BAD, "damaged", "cp /d/old /d/ccmux.db"),
        (replace(SOUND, checked=False), Verdict.WARN, "too large", "quick_check"),
    ],
)
def test_the_database(facts: DatabaseFacts | None, verdict: Verdict, word: str, mend: str) -> None:
    [found] = judge_database(facts, schema=7)
    assert found.finding.verdict is verdict
    assert word in found.finding.says
    assert mend in found.finding.mend
    assert bool(found.finding.mend) is bool(mend)
