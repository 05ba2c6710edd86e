"""Where a command finds its project: the folder and the settings file that its words lead to.

Below it nobody reads the environment.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from ccmux.core.errors import SettingsInvalid
from ccmux.core.failpoints import Failpoint, parse_failpoint
from ccmux.core.settings import CONFIG_VARIABLE
from ccmux.paths import find_data_dir, kept_settings
from ccmux.place import Place, last_good_place, place_at

FILE_NAME = "ccmux.toml"


def enter(arguments: Namespace, *, strictly: bool = False) -> Path:
    """Go to the folder of `-C` and return the path of the settings file, there or not, without links.

    `--config` names it, else `-C` leads to it, else CCMUX_CONFIG names it, else it is the one that is here.
    Units name it as their owner, so it has one name whichever way leads to it. One that is named must be
    there or, unless `strictly`, must have been there once: its text is kept.

    Raises:
        SettingsInvalid: There is no such folder, or no such file as `--config` or CCMUX_CONFIG names.
    """
    if arguments.folder is not None:
        try:
            os.chdir(arguments.folder)
        except OSError as error:
            raise SettingsInvalid(arguments.folder, [f"cannot go there: {error.strerror}"]) from error
    by_variable = arguments.config is None and arguments.folder is None
    named = os.environ.get(CONFIG_VARIABLE, "") if by_variable else arguments.config
    if not named and arguments.config is None:
        return Path.cwd() / FILE_NAME
    config = Path(named).absolute()
    config = config.parent.resolve() / config.name
    if not config.exists() and (strictly or not kept_settings(find_data_dir(os.environ), config).exists()):
        whose = f"; {CONFIG_VARIABLE} names it" if by_variable else ""
        raise SettingsInvalid(str(config), [f"there is no such file{whose}"])
    return config


def find_place(arguments: Namespace) -> Place:
    """Return the place that `-C` and `--config` lead to; a line says so where its settings are older ones.

    Raises:
        SettingsInvalid: With all that is wrong, and no older ones are kept.
    """
    place = last_good_place(enter(arguments), os.environ)
    if place.trouble is not None:
        from ccmux.cli.say import printable
        from ccmux.core.when import Wall
        from ccmux.drivers.clock import WallClock

        clock = WallClock()
        line = place.trouble.line(Wall(now_s=clock.now(), local=clock.local))
        sys.stderr.write(f"ccmux: {printable(line)}\n")
    return place


def daemons_place(arguments: Namespace) -> Place:
    """Return the place for a daemon: where a person started it, by good settings only.

    A service manager would start a daemon that refuses again and again, and nobody would be told.

    Raises:
        SettingsInvalid: With all that is wrong.
    """
    if os.environ.get("NOTIFY_SOCKET"):
        return last_good_place(enter(arguments), os.environ)
    return place_at(enter(arguments, strictly=True), os.environ)


def failpoint() -> Failpoint | None:
    """Return where a test lets the daemon die: CCMUX_FAILPOINT=NAME[:N]; None everywhere else."""
    return parse_failpoint(os.environ.get("CCMUX_FAILPOINT", ""))
