"""Stop, disable and delete all units made from this ccmux.toml, and no other. Claude's session goes on."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from contextlib import suppress

EXAMPLES = """\
examples:
  ccmux-deploy remove                what is here
  ccmux-deploy -C ~/old-app remove   of another folder, also where its ccmux.toml is gone
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Leave nothing of ours."""
    from ccmux.cli.deploy.telling import telling
    from ccmux.cli.place import enter
    from ccmux.core.errors import SettingsInvalid
    from ccmux.place import place_at
    from ccmux.upkeep.deploying import Deployer
    from ccmux.upkeep.patient import Patient
    from ccmux.upkeep.surroundings import session_problem

    config = enter(arguments)
    tmux = Patient(config, os.environ).tmux  # the daemon tells, while it runs
    Deployer(config, os.environ, telling()).remove()
    with suppress(SettingsInvalid):  # which session it would be, nobody can tell then
        place = place_at(config, os.environ)
        session = place.paths.tmux_session
        if place.is_known and not session_problem(session, tmux, os.environ):
            telling().warn(f"Claude goes on in the tmux session {session}; `ccmux stop --all` ends it")
    return 0
