"""Whether the user's systemd keeps this project running: manager, linger, units."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ccmux.core.doctor.diagnosis import Diagnosis, Fix, FixKind, ails, fine, listed, warns
from ccmux.core.findings import Finding, Verdict
from ccmux.core.starting import Starting
from ccmux.core.unit_health import DEPLOY
from ccmux.core.unit_state import NoManager
from ccmux.core.verify import Units, units_findings
from ccmux.core.when import Wall

_OLDEST = 245
"""What the units use came with it or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFiles:
    """How the unit files stand against `ccmux.toml`.

    Attributes:
        deployed: Names of units that are there and ours.
        stale: Names that `ccmux-deploy` would write or remove; empty where nothing is deployed.
        refused: Why it would refuse, a sentence each.

    """

    deployed: tuple[str, ...]
    stale: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def judge_manager(unreachable: NoManager | None, *, version: int | None, deployed: bool) -> Diagnosis:
    """Judge the user manager; where units are `deployed`, one that does not answer is bad."""
    if unreachable is not None:
        says = f"ccmux runs in the foreground only: {unreachable.why}"
        return (ails if deployed else warns)("systemd", "manager", says, unreachable.way_out)
    if version is not None and version < _OLDEST:
        says = f"version {version} is older than {_OLDEST}"
        return warns("systemd", "manager", says, "upgrade this system, or start ccmux in a terminal")
    return fine("systemd", "manager", f"it answers, version {version or 'unknown'}")


def judge_linger(lingering: bool | None, *, deployed: bool) -> Diagnosis:
    """Judge whether the units run without a login; None: nobody knows."""
    fix = Fix(kind=FixKind.LINGER)
    if lingering:
        return fine("systemd", "linger", "units run without a login, and after a reboot")
    if lingering is None:
        mend = "let what starts your user manager do so at boot; where logind runs: loginctl enable-linger"
        return warns("systemd", "linger", "whether it is on cannot be known (no logind)", mend)
    says = "off: units end with your last logout, and wait for a login after a reboot"
    return (ails if deployed else warns)("systemd", "linger", says, str(fix), *([fix] if deployed else []))


def judge_undeployed(starting: Starting) -> Diagnosis:
    """Judge that this project has no units."""
    if starting.other:
        says = f"the deployment of this user is that of {starting.other}"
        return warns("systemd", "units", says, starting.instead)
    says = "none deployed for this project: nobody starts it after a reboot"
    return warns("systemd", "units", says, DEPLOY)


def judge_units(files: UnitFiles, units: Units, *, wall: Wall) -> list[Diagnosis]:
    """Judge the units of this project, which has some: the files as a whole, each unit as verify does."""
    found = [ails("systemd", "units", sentence, f"mend that, then {DEPLOY}") for sentence in files.refused]
    if files.stale:
        says = f"not up to date with ccmux.toml: {listed(list(files.stale))}"
        found.append(warns("systemd", "units", says, f"{DEPLOY} (--dry-run shows what changes)"))
    if any(state.needs_reload for state in units.states.values()):
        fix = Fix(kind=FixKind.RELOAD)
        says = "files changed since systemd read them"
        found.append(warns("systemd", "units", says, str(fix), fix))
    found += [
        _diagnosis(finding, units)
        for finding in units_findings(_as_read(units), wall=wall)
        if finding.verdict is not Verdict.OK
    ]
    if not found:
        found.append(fine("systemd", "units", f"{len(files.deployed)} deployed, up to date"))
    return found


def _as_read(units: Units) -> Units:
    """Return the units that systemd has read, as it has read them: of the files all is said."""
    states = {
        name: replace(state, needs_reload=False)
        for name, state in units.states.items()
        if state.load != "not-found"
    }
    return replace(
        units, promises=[promise for promise in units.promises if promise.name in states], states=states
    )


def _diagnosis(finding: Finding, units: Units) -> Diagnosis:
    name = f"{finding.name}.{finding.area}"
    is_failed = units.state(name).active == "failed"
    return Diagnosis(
        finding=replace(finding, area="systemd", name=name),
        fixes=(Fix(kind=FixKind.RESET_FAILED, target=name),) if is_failed else (),
    )
