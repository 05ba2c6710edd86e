"""A project's place: its settings, the paths that follow from them, and the way to its daemon.

It decides nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ccmux.client import ControlClient
from ccmux.core.settings import Settings, project_name
from ccmux.drivers.settings_file import read_settings
from ccmux.paths import Paths, find_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project's place. `config` is where its settings stand or would stand."""

    config: Path
    settings: Settings
    paths: Paths

    @property
    def is_known(self) -> bool:
        """Whether this is a place of ccmux's at all: it has settings, or a daemon ran here before."""
        return self.config.exists() or self.paths.state_dir.exists()

    def control(self) -> ControlClient:
        """Return a client of this project's daemon; where no settings say which one, any will do."""
        project = self.paths.project if self.is_known else ""
        return ControlClient(self.paths.control_sock, project=project)


def place_at(config: Path, environment: Mapping[str, str]) -> Place:
    """Return the place of this settings file, for who has this environment, in the folder we are in.

    Raises:
        SettingsInvalid: With all that is wrong in it.
    """
    settings = read_settings(config)
    paths = find_paths(
        environment,
        runtime_dir=Path(settings.runtime.dir).expanduser(),
        project=project_name(settings, Path.cwd().name),
    )
    return Place(config=config, settings=settings, paths=paths)
