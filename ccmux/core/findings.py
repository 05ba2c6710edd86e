"""What a check found: a sentence, how bad it is, and what mends it. For doctor, verify and self-check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and a person should know."""
    BAD = "bad"
    """It does not work, or will not after the next reboot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: What it belongs to: "tmux", "service", "timer", "disk" ...
        name: Which one of these: a unit, a path, "version"; "" where the area is one thing.
        verdict: How bad it is.
        says: What was seen, in words a person can act on; never a message's text, never a secret.
        mend: The command, or the sentence, that mends it; "" where nothing is wrong.

    """

    area: str
    name: str = ""
    verdict: Verdict = Verdict.OK
    says: str
    mend: str = ""


def all_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is bad; a warning is no failure."""
    return all(finding.verdict is not Verdict.BAD for finding in findings)
