"""Verifies a deployment: every unit, and all that they need. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ccmux.core.errors import ServiceManagerFailed, SettingsInvalid
from ccmux.core.findings import Finding
from ccmux.core.verify import units_findings
from ccmux.drivers.machine import booted_at
from ccmux.drivers.systemd import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.upkeep.gathering import gather
from ccmux.upkeep.patient import Patient
from ccmux.upkeep.surroundings import surroundings, units_seen, wall


def verify(config: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Return what was found, for who has this environment, in the folder we are in.

    Raises:
        SettingsInvalid: There is no such file, or with all that is wrong in it.
        ServiceManagerFailed: No user manager answers.

    """
    manager, files = UserManager(environment), UnitFiles(environment)
    if unreachable := manager.unreachable():
        raise ServiceManagerFailed("cannot verify", unreachable)
    existing = files.read()
    gathered = gather(config, environment, manager, existing)
    patient = Patient(config, environment)
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    units = units_seen(gathered, existing, manager, files, failed_since_s=booted_at())
    return [*units_findings(units, wall=wall()), *surroundings(patient, patient.place, manager)]
