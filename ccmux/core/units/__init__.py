"""systemd's user units as text, made from the settings and the place they are deployed in. It writes no file.

    ccmux.target             all of ours: to start, stop and enable it is to start, stop and enable ccmux
    ccmux.service            the daemon
    ccmux-reconcile.service  ccmux-deploy at boot: what ccmux.toml says by then
    ccmux-relay.service      the relay, where [relay] wants it here
    ccmux-NAME.service       an adapter, or what a timer starts
    ccmux-NAME.timer         a timer

`syntax` knows how a value is written into a unit file, `own` and `named` what the units say.
"""

from __future__ import annotations

from ccmux.core.settings import Settings
from ccmux.core.units.named import adapter_units, timer_units
from ccmux.core.units.own import DAEMON, OWN, RECONCILE, RELAY, TARGET, own_units
from ccmux.core.units.place import Deployment
from ccmux.core.units.syntax import owner_of

__all__ = ["DAEMON", "OWN", "RECONCILE", "RELAY", "TARGET", "Deployment", "calendars", "owner_of", "render"]


def render(settings: Settings, where: Deployment) -> dict[str, str]:
    """Return every unit's text by the name of its file.

    Raises:
        UnitUnfit: A path or variable of the deployment cannot stand in a unit file.

    """
    units = own_units(settings, where)
    for name, adapter in settings.adapters.items():
        units |= adapter_units(name, adapter, where)
    for name, timer in settings.timers.items():
        units |= timer_units(name, timer, where)
    return units


def calendars(settings: Settings) -> list[tuple[str, str]]:
    """Return (place in the settings, calendar expression) of each; only systemd can tell if it is one."""
    return [
        (f"[timers.{name}] schedule", expression)
        for name, timer in settings.timers.items()
        for expression in timer.schedule
    ]
