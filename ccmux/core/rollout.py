"""Decides what systemd is told once the unit files are as they should be, and which failures are whose.

A unit that lasts has an [Install] and is no oneshot: it runs as long as ccmux.target is up. The others are
started by these, never by who deploys. It renews what changed and runs, and starts what does not run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ccmux.core.settings import PrivacySettings, RelaySettings, Settings
from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, RECONCILE

_RUNS = {"active", "activating", "reloading"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What systemd is to be told, in this order; names of units.

    Attributes:
        enable: Nothing starts them at boot yet.
        revive: They failed; what counts against their start limit is forgotten.
        renew: They run by a file that was changed.
        start: They do not run.

    """

    enable: tuple[str, ...] = ()
    revive: tuple[str, ...] = ()
    renew: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


def roll_out(rendered: Mapping[str, str], states: Iterable[UnitState], changed: Collection[str]) -> Rollout:
    """Return what is to be done about the units of one deployment.

    Args:
        rendered: Their texts by name.
        states: How they stand; one that systemd does not know does not run.
        changed: Names of those whose files it has not worked by yet.

    """
    known = {state.name: state for state in states}
    installed = [name for name, text in rendered.items() if _has(text, "[Install]")]
    lasting = [name for name in installed if _lasts(rendered[name])]
    active = {name: known[name].active if name in known else "inactive" for name in lasting}
    return Rollout(
        enable=tuple(name for name in installed if name not in known or not known[name].is_enabled),
        revive=tuple(name for name in lasting if active[name] == "failed"),
        # A restart of the target would be one of all its parts.
        renew=tuple(
            name
            for name in lasting
            if name in changed and active[name] in _RUNS and not name.endswith(".target")
        ),
        start=tuple(name for name in lasting if active[name] not in _RUNS),
    )


def restart_is_due(
    running: Settings | None, deployed: Settings, states: Iterable[UnitState], rollout: Rollout
) -> bool:
    """Return whether the daemon goes on with other settings than those that are deployed.

    Args:
        running: What it came up with, None where nobody can tell.
        deployed: What the settings file says now.
        states: How the units stood before.
        rollout: What systemd is told.

    """
    runs = any(state.name == DAEMON and state.active == "active" for state in states)
    if running is None or not runs or DAEMON in rollout.renew:
        return False
    return _of_daemon(running) != _of_daemon(deployed)


def _of_daemon(settings: Settings) -> Settings:
    """Return the settings without the tables that others than the daemon work by."""
    return replace(settings, timers={}, adapters={}, relay=RelaySettings(), privacy=PrivacySettings())


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Units that failed.

    Attributes:
        down: They should run, so the deployment failed with them.
        earlier: They run now and then, at their own times: how they ended is not this deployment's doing.

    """

    down: tuple[UnitState, ...] = ()
    earlier: tuple[UnitState, ...] = ()


def failed(rendered: Mapping[str, str], states: Iterable[UnitState]) -> Failed:
    """Return which units of one deployment failed, once systemd was told all.

    ccmux-reconcile.service may be who asks: its own end is told by its exit code, and is no matter here.
    """
    those = [state for state in states if state.active == "failed" and state.name != RECONCILE]
    return Failed(
        down=tuple(state for state in those if _lasts(rendered[state.name])),
        earlier=tuple(state for state in those if not _lasts(rendered[state.name])),
    )


def _lasts(text: str) -> bool:
    return _has(text, "[Install]") and not _has(text, "Type=oneshot")


def _has(text: str, line: str) -> bool:
    return line in text.splitlines()
