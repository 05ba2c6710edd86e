"""Tell of every unit, and of all they need, whether it works, and what mends it; exit 1 where one is bad."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

EXAMPLES = """\
examples:
  ccmux-deploy verify
  ccmux-deploy verify --json | jq '.findings[] | select(.verdict == "bad")'
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say in which form."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Look, judge and print."""
    from ccmux.cli.deploy.gather import gather
    from ccmux.cli.deploy.looks import surroundings, units_seen, wall
    from ccmux.cli.doctor.patient import Patient
    from ccmux.cli.findings import as_object, as_table
    from ccmux.cli.place import enter
    from ccmux.cli.say import as_json
    from ccmux.core.errors import ServiceManagerFailed, SettingsInvalid
    from ccmux.core.findings import all_well
    from ccmux.core.verify import units_findings
    from ccmux.drivers.machine import booted_at
    from ccmux.drivers.systemd import UserManager
    from ccmux.drivers.systemd.unit_files import UnitFiles

    config = enter(arguments)
    manager, files = UserManager(os.environ), UnitFiles(os.environ)
    if unreachable := manager.unreachable():
        raise ServiceManagerFailed("cannot verify", unreachable)
    existing = files.read()
    gathered = gather(config, os.environ, manager, existing)
    arguments.folder, arguments.config = None, str(config)
    patient = Patient(arguments, os.environ)
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    units = units_seen(gathered, existing, manager, files, failed_since_s=booted_at())
    findings = [*units_findings(units, wall=wall()), *surroundings(patient, patient.place, manager)]
    print(as_json(as_object(findings)) if arguments.json else as_table(findings))
    return 0 if all_well(findings) else 1
