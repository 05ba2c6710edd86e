"""A finding with what would mend it at once. Only what can do no harm is a fix."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ccmux.core.findings import Finding, Verdict

DOCTOR_FIX = "ccmux doctor --fix"


class FixKind(StrEnum):
    """What the doctor may do by itself: nothing is deleted, ended, or changed that is not ours."""

    CHMOD = "chmod"
    MKDIR = "mkdir"
    RELOAD = "daemon-reload"
    LINGER = "enable-linger"
    RESET_FAILED = "reset-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One safe step; `str(fix)` is the command a person would type for it.

    Attributes:
        kind: What is done.
        target: A path, or a unit's name; "" where the kind says it all.
        mode: Of a file or folder.

    """

    kind: FixKind
    target: str = ""
    mode: int = 0

    def __str__(self) -> str:
        match self.kind:
            case FixKind.CHMOD:
                return f"chmod {self.mode:o} {shlex.quote(self.target)}"
            case FixKind.MKDIR:
                return f"mkdir -p -m {self.mode:o} {shlex.quote(self.target)}"
            case FixKind.RELOAD:
                return "systemctl --user daemon-reload"
            case FixKind.LINGER:
                return "loginctl enable-linger"
        return f"systemctl --user reset-failed {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found, and the safe steps that mend it; none where it takes a person."""

    finding: Finding
    fixes: tuple[Fix, ...] = ()


def fine(area: str, name: str, says: str) -> Diagnosis:
    """Return that all is well."""
    return Diagnosis(finding=Finding(area=area, name=name, says=says))


def warns(area: str, name: str, says: str, mend: str, *fixes: Fix) -> Diagnosis:
    """Return something that works, and a person should know."""
    finding = Finding(area=area, name=name, verdict=Verdict.WARN, says=says, mend=mend)
    return Diagnosis(finding=finding, fixes=fixes)


def ails(area: str, name: str, says: str, mend: str, *fixes: Fix) -> Diagnosis:
    """Return something that does not work."""
    finding = Finding(area=area, name=name, verdict=Verdict.BAD, says=says, mend=mend)
    return Diagnosis(finding=finding, fixes=fixes)


def listed(names: Sequence[str], *, shown: int = 3) -> str:
    """Return the first of these names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
