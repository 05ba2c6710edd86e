"""Whether the user's systemd keeps this project running: manager, linger, units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccmux.core.doctor.diagnosis import Diagnosis, Fix, FixKind, ails, fine, listed, warns
from ccmux.core.starting import Starting, fails
from ccmux.core.unit_health import DEPLOY, ending
from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, TARGET
from ccmux.core.when import often

_OLDEST = 245
"""What the units use came with it or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFiles:
    """How the unit files stand against `ccmux.toml`.

    Attributes:
        deployed: Names of units that are there and ours.
        stale: Names that `ccmux-deploy` would write or remove; empty where nothing is deployed.
        refused: Why it would refuse, a sentence each.
        reasons: Why units ended, by name, where they said it.

    """

    deployed: tuple[str, ...]
    stale: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def judge_manager(unreachable: str, *, version: int | None, deployed: bool) -> Diagnosis:
    """Judge the user manager; where units are `deployed`, one that does not answer is bad."""
    if unreachable:
        why, _, way_out = unreachable.partition(": ")
        says = f"ccmux runs in the foreground only: {why}"
        judge = ails if deployed else warns
        return judge("systemd", "manager", says, way_out or "start ccmux in a terminal, or by a supervisor")
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
        return warns("systemd", "linger", "whether it is on cannot be known (no logind)", str(fix))
    says = "off: units end with your last logout, and wait for a login after a reboot"
    return (ails if deployed else warns)("systemd", "linger", says, str(fix), *([fix] if deployed else []))


def judge_undeployed(starting: Starting) -> Diagnosis:
    """Judge that this project has no units."""
    if starting.other:
        says = f"the deployment of this user is that of {starting.other}"
        return warns("systemd", "units", says, starting.instead)
    says = "none deployed for this project: nobody starts it after a reboot"
    return warns("systemd", "units", says, DEPLOY)


def judge_units(files: UnitFiles, states: Sequence[UnitState]) -> list[Diagnosis]:
    """Judge the units of this project, which has some; `states` are those of `files.deployed`."""
    found = [ails("systemd", "units", sentence, f"then: {DEPLOY}") for sentence in files.refused]
    if files.stale:
        says = f"not up to date with ccmux.toml: {listed(list(files.stale))}"
        found.append(warns("systemd", "units", says, f"{DEPLOY} (--dry-run shows what changes)"))
    if any(state.needs_reload for state in states):
        fix = Fix(kind=FixKind.RELOAD)
        says = "files changed since systemd read them"
        found.append(warns("systemd", "units", says, str(fix), fix))
    found += [wrong for state in states if (wrong := _judge_unit(state, files)) is not None]
    if not found:
        found.append(fine("systemd", "units", f"{len(files.deployed)} deployed, up to date"))
    return found


def _judge_unit(state: UnitState, files: UnitFiles) -> Diagnosis | None:
    said = files.reasons.get(state.name, "")
    because = f": {said}" if said else ""
    if state.load not in {"loaded", "not-found"}:
        return ails("systemd", state.name, f"systemd cannot use its file: {state.load}", DEPLOY)
    if state.active == "failed":
        fix = Fix(kind=FixKind.RESET_FAILED, target=state.name)
        says = f"failed ({state.result}, exit {state.exit_status}){because}"
        mend = f"read why: journalctl --user-unit {state.name}; then {fix}"
        return ails("systemd", state.name, says, mend, fix)
    # A task is at work while it is "activating", also after it failed.
    if state.name == DAEMON and fails(state):
        ended = f"ended with {ending(state)}, " if state.result != "success" else ""
        says = f"{ended}does not stay up: started anew {often(max(state.restarts, 1))}{because}"
        return ails("systemd", state.name, says, f"journalctl --user-unit {state.name} -n 20 says why")
    if state.sub == "auto-restart":
        says = f"ended with {ending(state)}, is started anew, {often(state.restarts)} so far{because}"
        return ails("systemd", state.name, says, f"journalctl --user-unit {state.name} -n 20 says why")
    if state.name == TARGET and state.load == "loaded" and not state.is_enabled:
        says = f"{state.file_state or 'not enabled'}: nobody starts ccmux after a reboot"
        return ails("systemd", state.name, says, f"systemctl --user enable {TARGET}")
    if state.name == DAEMON and state.active == "inactive":
        return warns("systemd", state.name, "stopped", f"systemctl --user start {TARGET}")
    return None
