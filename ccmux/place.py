"""A project's place: its settings, the paths that follow from them, the way to its daemon and who starts it.

It knows the settings that were good before, for whoever must go on where they are wrong now. It decides
nothing, and changes nothing but its copies of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ccmux.client import ControlClient, EventStream
from ccmux.core.errors import CcmuxError, SettingsInvalid, Unreached
from ccmux.core.settings import Settings, project_name
from ccmux.core.starting import OTHER_PLACE, Starting
from ccmux.core.units import DAEMON, owner_of
from ccmux.drivers.settings_file import keep_text, read_settings
from ccmux.paths import Paths, find_data_dir, find_paths, kept_settings

if TYPE_CHECKING:
    from ccmux.core.settings_trouble import SettingsTrouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project's place.

    Attributes:
        config: Where its settings stand or would stand; absolute and without links.
        settings: Those that are used.
        paths: Where all lies by them.
        environment: That of who asks.
        content: The text they were read from; None where there is no file: the defaults.
        trouble: Why they are not those of `config`; None where they are.

    """

    config: Path
    settings: Settings
    paths: Paths
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    trouble: SettingsTrouble | None = None

    @property
    def has_settings(self) -> bool:
        """Whether somebody said what is to be; else these are the defaults."""
        return self.trouble is not None or self.config.exists()

    @property
    def is_known(self) -> bool:
        """Whether this is a place of ccmux's at all: it has settings, or a daemon ran here before."""
        return self.has_settings or self.paths.state_dir.exists()

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

    def keep(self) -> None:
        """Keep its settings for when ccmux.toml is wrong; those of a place in trouble are kept already.

        Raises:
            StateDirUnsafe: The folder for it cannot be made, or is open to others.
            OSError: It cannot be written.

        """
        from ccmux.drivers.state_dir import make_private  # noqa: PLC0415 - those who only look need none

        if self.trouble is not None:
            return
        path = kept_settings(self.paths.data_dir, self.config)
        if self.content is not None:
            make_private(self.paths.data_dir, path.parent)
        keep_text(path, self.content)

    def keep_as_running(self) -> None:
        """Keep its settings as those that the daemon came up with; its state folder is there.

        Raises:
            OSError: They cannot be written.

        """
        keep_text(self.paths.running_settings, self.content)

    def running_settings(self) -> Settings | None:
        """Return what the daemon came up with last, None where nobody can tell."""
        try:
            settings, content = read_settings(self.paths.running_settings)
        except SettingsInvalid:  # another ccmux wrote it
            return None
        return None if content is None else settings


def place_at(config: Path, environment: Mapping[str, str]) -> Place:
    """Return the place of this settings file, for who has this environment, in the folder we are in.

    Raises:
        SettingsInvalid: With all that is wrong in it.
    """
    settings, content = read_settings(config)
    return Place(
        config=config,
        settings=settings,
        paths=_paths(settings, environment),
        environment=environment,
        content=content,
    )


def last_good_place(config: Path, environment: Mapping[str, str]) -> Place:
    """Return the same; where the file is wrong or gone, by the settings that were good before, if kept.

    Raises:
        SettingsInvalid: With all that is wrong in it, and none are kept.
    """
    try:
        place = place_at(config, environment)
    except SettingsInvalid as error:
        kept = _kept(config, environment, error.problems)
        if kept is None:
            raise
        return kept
    if place.content is None:
        return _kept(config, environment, None) or place
    return place


def _kept(config: Path, environment: Mapping[str, str], problems: Sequence[str] | None) -> Place | None:
    """Return the place by what is kept, None where nothing of use is; `problems` None: the file is gone."""
    from ccmux.core.settings_trouble import SettingsTrouble  # noqa: PLC0415 - only where something is wrong

    path = kept_settings(find_data_dir(environment), config)
    try:
        kept_at_s = path.stat().st_mtime
        settings, content = read_settings(path)
    except (OSError, SettingsInvalid):  # none, or another ccmux wrote it
        return None
    bring_back = f"cp {shlex.quote(str(path))} {shlex.quote(str(config))}" if problems is None else ""
    if problems is None:
        problems = [f"the file is gone; what it said last is kept, to bring it back: {bring_back}"]
    return Place(
        config=config,
        settings=settings,
        paths=_paths(settings, environment),
        environment=environment,
        content=content,
        trouble=SettingsTrouble(
            config=str(config), problems=tuple(problems), kept_at_s=kept_at_s, bring_back=bring_back
        ),
    )


def _paths(settings: Settings, environment: Mapping[str, str]) -> Paths:
    return find_paths(
        environment,
        runtime_dir=Path(settings.runtime.dir).expanduser(),
        project=project_name(settings, Path.cwd().name),
    )


def starting_at(config: Path, environment: Mapping[str, str]) -> Starting:
    """Return who starts the daemon of this settings file; what cannot be looked at is taken for absent."""
    # Asked for where something is wrong already; a program that is well starts without it.
    from ccmux.drivers.systemd.unit_files import UnitFiles  # noqa: PLC0415

    try:
        owner = owner_of(UnitFiles(environment).read().get(DAEMON, ""))
    except CcmuxError:
        return Starting()
    if owner is None or (owner != str(config) and not Path(owner).exists()):
        return Starting()
    if owner != str(config):
        return Starting(other=owner)
    from ccmux.drivers.systemd.manager import UserManager  # noqa: PLC0415

    try:
        [service] = UserManager(environment).units([DAEMON])
    except CcmuxError:
        return Starting(deployed=True)
    return Starting(deployed=True, service=service)
