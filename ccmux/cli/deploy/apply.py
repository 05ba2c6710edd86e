"""Deploys: the unit files as the settings have them, and systemd at work by them. All of it, or nothing.

A run that is killed leaves whole files, and a note of which: the next one takes up from there.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ccmux.cli.deploy.gather import Gathered, gather
from ccmux.cli.place import enter
from ccmux.core.deployment import Plan, diff, owners, plan
from ccmux.core.errors import DeploymentRefused, ServiceManagerFailed
from ccmux.core.rollout import Rollout, roll_out
from ccmux.core.units import DAEMON
from ccmux.drivers.systemd import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles, only_deployment


def deploy(options: Namespace) -> int:
    """Deploy, or say what would be done."""
    config = enter(options)
    manager, files = UserManager(os.environ), UnitFiles(os.environ)
    unreachable = manager.unreachable()
    if options.dry_run:
        return _dry_run(config, manager, files, unreachable)
    if unreachable:
        raise ServiceManagerFailed("cannot deploy", unreachable)
    with only_deployment(manager.runtime_dir, on_wait=say_that_it_waits) as renewal:
        existing = files.read()
        gathered = gather(config, os.environ, manager, existing)
        planned = plan_for(gathered, existing)
        _refuse(gathered, planned, unread(manager, files))
        touched = [*planned.created, *planned.updated, *planned.orphans]
        renewal.begin(touched)
        begun = renewal.begun()

        retire(manager, files, planned.orphans)
        for name, text in [*planned.created.items(), *planned.updated.items()]:
            files.write(name, text)
            print(f"  + created {name}" if name in planned.created else f"  ~ updated {name}")
        if begun:
            manager.reload()
            manager.reset_failed(*planned.orphans)
        names = list(gathered.rendered)
        _tell(manager, roll_out(gathered.rendered, manager.units(names), begun))
        renewal.done()
    print(_sum(planned, len(names)))
    for warning in [*gathered.warnings, *_linger(manager)]:
        _warn(warning)
    try:
        manager.start(DAEMON)  # waits until it is up; where it is, at once
    except ServiceManagerFailed as error:
        _warn(f"{error}; systemd goes on trying; see: journalctl --user-unit {DAEMON} -n 20")
        return 1
    return _failed(manager, names)


def retire(manager: UserManager, files: UnitFiles, names: Sequence[str]) -> None:
    """Stop, disable and delete units: timers first, so that nothing starts what is being stopped."""
    in_order = sorted(names, key=lambda name: (not name.endswith(".timer"), name))
    manager.disable_now(*in_order)
    for name in in_order:
        files.remove(name)
        print(f"  - removed {name}")


def say_that_it_waits() -> None:
    """Tell that another deployment is at work."""
    _warn("another ccmux-deploy is at work; waiting for it")


def _dry_run(config: Path, manager: UserManager, files: UnitFiles, unreachable: str) -> int:
    existing = files.read()
    gathered = gather(config, os.environ, manager, existing)
    planned = plan_for(gathered, existing)
    _refuse(gathered, planned, "" if unreachable else unread(manager, files))
    sys.stdout.write(diff(existing, planned))
    names = list(gathered.rendered)
    states = [] if unreachable else manager.units(names)
    would = roll_out(gathered.rendered, states, {*planned.created, *planned.updated})
    for word, units in (
        ("remove", planned.orphans),
        ("enable", would.enable),
        ("restart", would.renew),
        ("start", would.start),
    ):
        if units:
            print(f"  would {word}: {' '.join(units)}")
    print(f"{_sum(planned, len(names))}; nothing was changed")
    for warning in gathered.warnings:
        _warn(warning)
    if unreachable:
        raise ServiceManagerFailed("cannot be deployed", unreachable)
    return 0


def plan_for(gathered: Gathered, existing: Mapping[str, str]) -> Plan:
    """Return what is to be done; the units of a project that is no more are taken over."""
    gone = [owner for owner in owners(existing) if not Path(owner).exists()]
    return plan(existing, gathered.rendered, config=str(gathered.config), gone=gone)


def _refuse(gathered: Gathered, planned: Plan, unread: str) -> None:
    """Refuse what must not be deployed, before anything is changed."""
    problems = [*gathered.problems, *planned.refused, *([unread] if unread else [])]
    if problems:
        raise DeploymentRefused(str(gathered.config), problems)


def unread(manager: UserManager, files: UnitFiles) -> str:
    """Return "" where the manager reads the folder we write to, else a sentence."""
    read = manager.unit_path()
    if any(Path(folder).resolve() == files.folder.resolve() for folder in read):
        return ""
    return (
        f"the user manager does not read {files.folder}: XDG_CONFIG_HOME or HOME is another here "
        "than where you log in"
    )


def _tell(manager: UserManager, rollout: Rollout) -> None:
    manager.enable(*rollout.enable)
    manager.reset_failed(*rollout.revive)
    # Nobody waits here: a unit that is started may itself wait for this deployment to end.
    manager.try_restart(*rollout.renew, wait=False)
    manager.start(*rollout.start, wait=False)
    for word, units in (("restarted", rollout.renew), ("started", rollout.start)):
        for name in units:
            print(f"    {word} {name}")


def _sum(planned: Plan, count: int) -> str:
    parts = {
        "created": planned.created,
        "updated": planned.updated,
        "removed": planned.orphans,
        "unchanged": planned.unchanged,
    }
    return f"{count} units: " + ", ".join(f"{len(names)} {word}" for word, names in parts.items())


def _linger(manager: UserManager) -> list[str]:
    """Let the units run without a login; return a warning where that cannot be."""
    lingering = manager.lingering()
    if lingering:
        return []
    why_not = manager.enable_linger()
    if not why_not:
        print("    lingering switched on: the units run without a login, and from boot on")
        return []
    says = "cannot tell whether units" if lingering is None else "units do not"
    return [f"{says} run without a login ({why_not}): sudo loginctl enable-linger $USER"]


def _failed(manager: UserManager, names: Collection[str]) -> int:
    """Say what does not run although it should; return the exit code."""
    failed = [state for state in manager.units(list(names)) if state.active == "failed"]
    for state in failed:
        _warn(f"{state.name} failed ({state.result}); see: journalctl --user-unit {state.name}")
    return 1 if failed else 0


def _warn(sentence: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"ccmux-deploy: {sentence}\n")
