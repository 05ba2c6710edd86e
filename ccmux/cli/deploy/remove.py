"""Stop, disable and delete all units made from this ccmux.toml, and no other. Claude's session goes on."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

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
    from ccmux.upkeep.deploying import Deployer

    Deployer(enter(arguments), os.environ, telling()).remove()
    return 0
