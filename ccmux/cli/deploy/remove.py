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
    """Leave nothing of ours; the settings need not be readable for that."""
    from ccmux.cli.deploy.apply import retire, say_that_it_waits
    from ccmux.cli.place import enter
    from ccmux.core.deployment import plan
    from ccmux.core.errors import ServiceManagerFailed
    from ccmux.drivers.systemd import UserManager
    from ccmux.drivers.systemd.unit_files import UnitFiles, only_deployment

    config = enter(arguments)
    manager, files = UserManager(os.environ), UnitFiles(os.environ)
    if unreachable := manager.unreachable():
        raise ServiceManagerFailed("cannot remove", unreachable)
    with only_deployment(manager.runtime_dir, on_wait=say_that_it_waits) as renewal:
        ours = plan(files.read(), {}, config=str(config)).orphans
        renewal.begin(list(ours))
        retire(manager, files, list(ours))
        if renewal.begun():
            manager.reload()
            manager.reset_failed(*ours)
        renewal.done()
    print(f"{len(ours)} units removed" if ours else f"there are no units of {config}")
    return 0
