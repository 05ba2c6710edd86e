"""A database is sound, or the way out is a backup where there is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccmux.core.doctor.database import DatabaseFacts, judge_database
from ccmux.core.findings import Verdict

SOUND = DatabaseFacts(path="/d/ccmux.db", bytes=1_500_000, schema=7)


@pytest.mark.parametrize(
    ("facts", "verdict", "word", "mend"),
    [
        (None, Verdict.OK, "none yet", ""),
        (SOUND, Verdict.OK, "1.5 MB, schema 7; sound", ""),
        (replace(SOUND, schema=5), Verdict.OK, "brought to 7 at the next start", ""),
        (replace(SOUND, backups=("/d/b",)), Verdict.OK, "1 backups", ""),
        (replace(SOUND, schema=8), Verdict.BAD, "a newer ccmux", "upgrade ccmux"),
        (replace(SOUND, failure="no"), Verdict.BAD, "cannot be read: no", "mv /d/ccmux.db"),
        (replace(SOUND, damage="row 3"), Verdict.BAD, "damaged: row 3", "mv /d/ccmux.db"),
        (replace(SOUND, damage="x", backups=("/d/new", "/d/old")), Verdict.BAD, "damaged", "/d/new"),
        (replace(SOUND, checked=False), Verdict.WARN, "too large", "quick_check"),
    ],
)
def test_the_database(facts: DatabaseFacts | None, verdict: Verdict, word: str, mend: str) -> None:
    [found] = judge_database(facts, schema=7)
    assert found.finding.verdict is verdict
    assert word in found.finding.says
    assert mend in found.finding.mend
    assert bool(found.finding.mend) is bool(mend)
