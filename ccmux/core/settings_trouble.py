"""What is said where ccmux.toml is wrong and settings that were good before are used. It reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccmux.core.findings import Finding, Verdict
from ccmux.core.when import Wall


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTrouble:
    """Why other settings are used than ccmux.toml has.

    Attributes:
        config: The file.
        problems: All that is wrong with it, each a sentence; never a value that may be a secret.
        kept_at_s: When those that are used were kept first; epoch seconds.

    """

    config: str
    problems: tuple[str, ...]
    kept_at_s: float

    def line(self, wall: Wall) -> str:
        """Return it as one line for whoever called a command."""
        used = f"using the one of {wall.at(self.kept_at_s)}"
        return f"{self.config} is wrong ({in_short(self.problems)}); {used}; mend it"


def in_short(problems: Sequence[str]) -> str:
    """Return the first problem, and how many more there are."""
    more = len(problems) - 1
    return problems[0] + (f"; and {more} more" if more else "")


def trouble_finding(trouble: SettingsTrouble, wall: Wall) -> Finding:
    """Return the one finding of verify, doctor and self-check: each problem, and what mends them."""
    used = f"it is wrong, the one of {wall.at(trouble.kept_at_s)} is used"
    return Finding(
        area="settings",
        verdict=Verdict.BAD,
        says=f"{trouble.config}: {used}: {'; '.join(trouble.problems)}",
        mend="edit ccmux.toml, then ccmux-deploy",
    )
