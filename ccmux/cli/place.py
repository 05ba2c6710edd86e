"""Where a command finds its project: the folder and the settings file that its words lead to.

Below it nobody reads the environment.
"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from ccmux.core.errors import SettingsInvalid
from ccmux.core.failpoints import Failpoint, parse_failpoint
from ccmux.core.settings import CONFIG_VARIABLE
from ccmux.place import Place, place_at

FILE_NAME = "ccmux.toml"


def enter(arguments: Namespace) -> Path:
    """Go to the folder of `-C` and return the path of the settings file, there or not, without links.

    `--config` names it, else `-C` leads to it, else CCMUX_CONFIG names it, else it is the one that is here.
    Units name it as their owner, so it has one name whichever way leads to it.

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
    if not config.exists():
        whose = f"; {CONFIG_VARIABLE} names it" if by_variable else ""
        raise SettingsInvalid(str(config), [f"there is no such file{whose}"])
    return config.parent.resolve() / config.name


def find_place(arguments: Namespace) -> Place:
    """Return the place that `-C` and `--config` lead to.

    Raises:
        SettingsInvalid: With all that is wrong.
    """
    return place_at(enter(arguments), os.environ)


def failpoint() -> Failpoint | None:
    """Return where a test lets the daemon die: CCMUX_FAILPOINT=NAME[:N]; None everywhere else."""
    return parse_failpoint(os.environ.get("CCMUX_FAILPOINT", ""))
