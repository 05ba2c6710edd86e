"""A project's place: its settings, the paths that follow from them, the way to its daemon and who starts it.

It decides nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccmux.client import ControlClient, EventStream
from ccmux.core.errors import CcmuxError, Unreached
from ccmux.core.settings import Settings, project_name
from ccmux.core.starting import OTHER_PLACE, Starting
from ccmux.core.units import DAEMON, owner_of
from ccmux.drivers.settings_file import read_settings
from ccmux.paths import Paths, find_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project's place.

    Attributes:
        config: Where its settings stand or would stand.
        settings: What they say.
        paths: Where all lies.
        environment: That of who asks.

    """

    config: Path
    settings: Settings
    paths: Paths
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_known(self) -> bool:
        """Whether this is a place of ccmux's at all: it has settings, or a daemon ran here before."""
        return self.config.exists() or self.paths.state_dir.exists()

    def control(self) -> ControlClient:
        """Return a client of this project's daemon; where no settings say which one, any will do."""
        project = self.paths.project if self.is_known else ""
        return ControlClient(self.paths.control_sock, project=project, way_out=self.way_out)

    def events(self, *, since: int | None, types: Sequence[str] = ()) -> EventStream:
        """Return the daemon's events after a number, or those to come.

        Raises:
            DaemonUnreachable: Nobody listens there.
        """
        return EventStream(self.paths.output_sock, since=since, types=types, way_out=self.way_out)

    def way_out(self, unreached: Unreached) -> str:
        """Return what to do about a daemon that is not reached."""
        match unreached:
            case Unreached.OTHER:
                return OTHER_PLACE
            case Unreached.SILENT:
                return starting_at(self.config, self.environment).silent
            case Unreached.NOBODY:
                return starting_at(self.config, self.environment).start
        return ""


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
    return Place(config=config, settings=settings, paths=paths, environment=environment)


def starting_at(config: Path, environment: Mapping[str, str]) -> Starting:
    """Return who starts the daemon of this settings file; what cannot be looked at is taken for absent."""
    # Asked for where something is wrong already; a program that is well starts without it.
    from ccmux.drivers.systemd import UserManager  # noqa: PLC0415
    from ccmux.drivers.systemd.unit_files import UnitFiles  # noqa: PLC0415

    try:
        owner = owner_of(UnitFiles(environment).read().get(DAEMON, ""))
    except CcmuxError:
        return Starting()
    if owner is None or not Path(owner).exists():
        return Starting()
    if owner != str(config):
        return Starting(other=owner)
    try:
        [service] = UserManager(environment).units([DAEMON])
    except CcmuxError:
        return Starting(deployed=True)
    return Starting(deployed=True, service=service)
