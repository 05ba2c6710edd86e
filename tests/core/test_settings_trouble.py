"""What is said where older settings are used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ccmux.core.findings import Verdict
from ccmux.core.settings_trouble import SettingsTrouble, in_short, trouble_finding
from ccmux.core.when import Wall

NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
TROUBLE = SettingsTrouble(
    config="/p/ccmux.toml", problems=("line 2: no", "line 9: neither"), kept_at_s=NOW_S - 3_600
)


def test_one_line_has_the_first_problem_and_counts_the_others() -> None:
    assert in_short(["line 2: no"]) == "line 2: no"
    said = "/p/ccmux.toml is wrong (line 2: no; and 1 more); using the one of 11:00; mend it"
    assert TROUBLE.line(WALL) == said


def test_the_finding_has_every_problem_and_what_mends_them() -> None:
    found = trouble_finding(TROUBLE, WALL)
    assert (found.area, found.name, found.verdict) == ("settings", "", Verdict.BAD)
    says = "/p/ccmux.toml: it is wrong, the one of 11:00 is used: line 2: no; line 9: neither"
    assert (found.says, found.mend) == (says, "edit ccmux.toml, then ccmux-deploy")


def test_a_file_that_is_gone_is_not_to_be_edited_but_brought_back() -> None:
    gone = replace(TROUBLE, problems=("the file is gone",), bring_back="cp /k /p/ccmux.toml")
    said = "/p/ccmux.toml is gone; using the one of 11:00; to bring that back: cp /k /p/ccmux.toml"
    assert gone.line(WALL) == said
    found = trouble_finding(gone, WALL)
    assert (found.verdict, found.mend) == (Verdict.BAD, "cp /k /p/ccmux.toml")
    assert found.says == "/p/ccmux.toml: it is gone, the one of 11:00 is used"
