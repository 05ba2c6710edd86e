"""Where a deployment's project, programs and state are, and how our own programs are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccmux.core.settings import CONFIG_VARIABLE

_FILE_NAME = "ccmux.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What units need to know that does not stand in the settings; all paths are absolute.

    Attributes:
        project_dir: The folder Claude works in.
        config: The settings file; every unit names it as its owner.
        home: The user's.
        programs: Paths of "ccmux", "ccmux-deploy" and "ccmux-relay".
        path: PATH of every unit; it leads to Claude and node too.
        environment: More variables of every unit (CCMUX_DATA_DIR, CLAUDE_CONFIG_DIR ...), where they are set.
        execs: By a unit's name without suffix ("ccmux-backup") the command of each timer and adapter that has
            one, its program as an absolute path.
        systemd: Version of systemd; None is not known.

    """

    project_dir: Path
    config: Path
    home: Path
    programs: Mapping[str, str]
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    execs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    systemd: int | None = None

    @property
    def is_config_elsewhere(self) -> bool:
        """Whether a program in the project's folder has to be told which settings file is meant."""
        return self.config != self.project_dir / _FILE_NAME

    def call(self, program: str, *words: str) -> tuple[str, ...]:
        """Return the command that runs a program of ours for this project."""
        place = ["-C", str(self.project_dir)]
        if self.is_config_elsewhere:
            place += ["--config", str(self.config)]
        return (self.programs[program], *place, *words)

    def variables(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a unit: what all have, then its own."""
        return {
            "HOME": str(self.home),
            "PATH": self.path,
            "TERM": "xterm-256color",
            **({CONFIG_VARIABLE: str(self.config)} if self.is_config_elsewhere else {}),
            **self.environment,
            **more,
        }
