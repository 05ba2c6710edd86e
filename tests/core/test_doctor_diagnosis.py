"""A fix is told as the command a person would type for it."""

from __future__ import annotations

import pytest

from ccmux.core.doctor import Fix, FixKind
from ccmux.core.doctor.diagnosis import ails, fine, listed, warns
from ccmux.core.findings import Verdict


@pytest.mark.parametrize(
    ("fix", "command"),
    [
        (Fix(kind=FixKind.CHMOD, target="/a b/in.x", mode=0o600), "chmod 600 '/a b/in.x'"),
        (Fix(kind=FixKind.MKDIR, target="/a", mode=0o700), "mkdir -p -m 700 /a"),
        (Fix(kind=FixKind.RELOAD), "systemctl --user daemon-reload"),
        (Fix(kind=FixKind.LINGER), "loginctl enable-linger"),
        (
            Fix(kind=FixKind.RESET_FAILED, target="ccmux.service"),
            "systemctl --user reset-failed ccmux.service",
        ),
    ],
)
def test_a_fix_reads_as_a_command(fix: Fix, command: str) -> None:
    assert str(fix) == command


def test_a_diagnosis_carries_its_verdict_and_its_fixes() -> None:
    fix = Fix(kind=FixKind.LINGER)
    well, known, ill = fine("a", "b", "c"), warns("a", "b", "c", "d", fix), ails("a", "b", "c", "d")
    verdicts = [one.finding.verdict for one in (well, known, ill)]
    assert verdicts == [Verdict.OK, Verdict.WARN, Verdict.BAD]
    assert [one.finding.mend for one in (well, known, ill)] == ["", "d", "d"]
    assert (well.fixes, known.fixes) == ((), (fix,))


def test_many_names_are_cut() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
