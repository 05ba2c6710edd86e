"""What is said where ccmux.toml is wrong or gone, and settings that were good are used. It reads nothing."""

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
        bring_back: The command that makes a file that is gone again; "" where it is there, and wrong.

    """

    config: str
    problems: tuple[str, ...]
    kept_at_s: float
    bring_back: str = ""

    def line(self, wall: Wall) -> str:
        """Return it as one line for whoever called a command."""
        used = f"using the one of {wall.at(self.kept_at_s)}"
        if self.bring_back:
            return f"{self.config} is gone; {used}; to bring that back: {self.bring_back}"
        return f"{self.config} is wrong ({in_short(self.problems)}); {used}; mend it"


def in_short(problems: Sequence[str]) -> str:
    """Return the first problem, and how many more there are."""
    more = len(problems) - 1
    return problems[0] + (f"; and {more} more" if more else "")


def trouble_finding(trouble: SettingsTrouble, wall: Wall) -> Finding:
    """Return the one finding of verify, doctor and self-check: each problem, and what mends them."""
    used = f"the one of {wall.at(trouble.kept_at_s)} is used"
    says, mend = f"it is wrong, {used}: {'; '.join(trouble.problems)}", "edit ccmux.toml, then ccmux-deploy"
    if trouble.bring_back:
        says, mend = f"it is gone, {used}", trouble.bring_back
    return Finding(area="settings", verdict=Verdict.BAD, says=f"{trouble.config}: {says}", mend=mend)
