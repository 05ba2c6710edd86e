"""A round that cannot be made keeps none of the others."""

from __future__ import annotations

import threading

import pytest

from ccmux.core.doctor import Diagnosis
from ccmux.core.findings import Verdict
from ccmux.upkeep import rounds


def test_a_round_that_fails_or_hangs_is_a_warning_and_a_bug_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LIMIT_S", 0.05)
    released = threading.Event()

    def fails() -> list[Diagnosis]:
        raise PermissionError(13, "Permission denied", "/proc/net/tcp")

    def hangs() -> list[Diagnosis]:
        released.wait()
        return []

    def errs() -> list[Diagnosis]:
        raise AssertionError("a bug")

    try:
        found = [one for look in (fails, hangs) for one in rounds.Started("port", look).result()]
    finally:
        released.set()
    assert [one.finding.verdict for one in found] == [Verdict.WARN, Verdict.WARN]
    assert ["Permission denied" in found[0].finding.says, "0.05 s" in found[1].finding.says] == [True, True]
    with pytest.raises(AssertionError, match="a bug"):
        rounds.Started("port", errs).result()
