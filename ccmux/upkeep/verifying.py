"""Verifies a deployment: every unit, and all that they need. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ccmux.core.errors import ServiceManagerFailed, SettingsInvalid
from ccmux.core.findings import Finding
from ccmux.core.verify import other_finding, units_findings
from ccmux.drivers.machine import booted_at
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.upkeep.gathering import gather
from ccmux.upkeep.patient import Patient
from ccmux.upkeep.surroundings import settings_findings, surroundings, units_seen, wall

TOLD_S = 3_600.0
"""What failed longer ago, and is well, is counted and no more."""


def verify(config: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Return what was found, for who has this environment, in the folder we are in.

    Raises:
        SettingsInvalid: There is no such file, or with all that is wrong in it, and no older ones are kept.
        ServiceManagerFailed: No user manager answers.

    """
    manager, files = UserManager(environment), UnitFiles(environment)
    if unreachable := manager.unreachable():
        raise ServiceManagerFailed("cannot verify", str(unreachable))
    patient = Patient(config, environment)
    if patient.starting.other:
        # Each unit is another text then, and the mend of each would be refused or harm the other project.
        return [other_finding(patient.starting)]
    existing = files.read()
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    gathered = gather(patient.place, environment, manager, existing)
    now = wall()
    units = units_seen(
        gathered,
        existing,
        manager,
        files,
        failed_since_s=booted_at(),
        told_from_s=now.now_s - TOLD_S,
    )
    return [
        *settings_findings(patient.place),
        *units_findings(units, wall=now),
        *surroundings(patient, patient.place, manager, units),
    ]
