"""Deploys: the unit files as the settings have them, and systemd at work by them. All of it, or nothing.

A run that is killed leaves whole files, and a note of which: the next one takes up from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccmux.core.deployment import Plan, diff, plan
from ccmux.core.errors import AlreadyRunning, DeploymentRefused, ServiceManagerFailed, StateDirUnsafe
from ccmux.core.rollout import Rollout, failed, restart_is_due, roll_out
from ccmux.core.settings import project_name
from ccmux.core.starting import Starting
from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, RECONCILE
from ccmux.drivers.runtime_dir import RunningDaemon
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles, only_deployment
from ccmux.place import place_at
from ccmux.upkeep.gathering import Gathered, gather_all_problems, plan_for, unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who is told, a line at a time.

    Attributes:
        say: What is done.
        warn: What a person should know.

    """

    say: Callable[[str], None]
    warn: Callable[[str], None]


class Deployer:
    """Deploys the units of one settings file, for who has this environment."""

    def __init__(self, config: Path, environment: Mapping[str, str], telling: Telling) -> None:
        """`config` has no links in its path; we are in the project's folder."""
        self._config = config
        self._environment = environment
        self._manager = UserManager(environment)
        self._files = UnitFiles(environment)
        self._say, self._warn = telling.say, telling.warn

    def deploy(self) -> bool:
        """Deploy; return whether all of it came up.

        Raises:
            DeploymentRefused: With all that is in the way; nothing was changed.
            SettingsInvalid: There is no such file, or with all that is wrong in it.
            ServiceManagerFailed: systemd is not there, or did not do something.
            UnitFileFailed: A unit file cannot be read, written or removed.

        """
        manager, files = self._manager, self._files
        if unreachable := manager.unreachable():
            raise ServiceManagerFailed("cannot deploy", str(unreachable))
        with only_deployment(manager.runtime_dir, on_wait=self._tell_that_it_waits) as renewal:
            existing = files.read()
            gathered = self._gathered(existing)
            planned = plan_for(gathered, existing)
            _refuse(gathered, planned, unread(manager, files), self._in_the_way(gathered))
            self._keep()
            renewal.begin([*planned.created, *planned.updated, *planned.orphans])
            begun = renewal.begun()

            self._retire(planned.orphans)
            for name, text in [*planned.created.items(), *planned.updated.items()]:
                files.write(name, text)
                self._say(f"  + created {name}" if name in planned.created else f"  ~ updated {name}")
            if begun:
                manager.reload()
                manager.reset_failed(*planned.orphans)
            names = list(gathered.rendered)
            states = manager.units(names)
            rollout = roll_out(gathered.rendered, states, begun)
            older = self._older(gathered, states, rollout)
            self._carry_out(rollout)
            renewal.done()
        self._say(_sum(planned, len(names)))
        for warning in [*gathered.warnings, *older, *self._linger()]:
            self._warn(warning)
        try:
            manager.start(DAEMON)  # waits until it is up; where it is, at once
        except ServiceManagerFailed as error:
            self._warn(f"{error}; systemd goes on trying; see: journalctl --user-unit {DAEMON} -n 20")
            return False
        if not self._all_up(gathered.rendered):
            return False
        manager.reset_failed(RECONCILE)  # what it could not do is done
        return True

    def tell(self, *, whole: bool) -> None:
        """Say what `deploy` would do, and change nothing; `whole`: with the text of units that come and go.

        Raises:
            CcmuxError: As `deploy` does; where no systemd answers, after all was said.

        """
        manager, files = self._manager, self._files
        unreachable = manager.unreachable()
        existing = files.read()
        gathered = self._gathered(existing)
        planned = plan_for(gathered, existing)
        _refuse(
            gathered, planned, *([] if unreachable else [unread(manager, files), self._in_the_way(gathered)])
        )
        if changes := diff(existing, planned, whole=whole):
            self._say(changes.removesuffix("\n"))
        names = list(gathered.rendered)
        states = [] if unreachable else manager.units(names)
        would = roll_out(gathered.rendered, states, {*planned.created, *planned.updated})
        for word, units in (
            ("create", planned.created),
            ("update", planned.updated),
            ("remove", planned.orphans),
            ("enable", would.enable),
            ("restart", would.renew),
            ("start", would.start),
        ):
            if units:
                self._say(f"  would {word}: {' '.join(units)}")
        self._say(f"{_sum(planned, len(names))}; nothing was changed")
        for warning in [*gathered.warnings, *self._older(gathered, states, would)]:
            self._warn(warning)
        if unreachable:
            raise ServiceManagerFailed("cannot be deployed", str(unreachable))

    def remove(self) -> None:
        """Leave nothing of ours; the settings need not be readable for that.

        Raises:
            ServiceManagerFailed: systemd is there and does not answer, or did not do something.
            UnitFileFailed: A unit file cannot be read or removed.

        """
        manager = self._manager
        if unreachable := manager.unreachable():
            if not manager.is_absent():
                raise ServiceManagerFailed("cannot remove", str(unreachable))
            self._remove_files()
            return
        with only_deployment(manager.runtime_dir, on_wait=self._tell_that_it_waits) as renewal:
            ours = self._ours()
            renewal.begin(ours)
            self._retire(ours)
            if renewal.begun():
                manager.reload()
                manager.reset_failed(*ours)
            renewal.done()
        self._say_removed(ours)

    def _remove_files(self) -> None:
        """Remove what is left of us on a machine where no user manager runs."""
        ours = self._ours()
        for name in ours:
            self._files.disable(name)
            self._files.remove(name)
            self._say(f"  - removed {name}")
        self._say_removed(ours)
        if ours:
            self._warn(
                "no user manager runs here, so nothing was stopped: a daemon that runs ends with `ccmux stop`"
            )

    def _ours(self) -> tuple[str, ...]:
        return plan(self._files.read(), {}, config=str(self._config)).orphans

    def _say_removed(self, names: Sequence[str]) -> None:
        self._say(f"{len(names)} units removed" if names else f"there are no units of {self._config}")

    def _gathered(self, existing: Mapping[str, str]) -> Gathered:
        return gather_all_problems(self._config, self._environment, self._manager, existing)

    def _in_the_way(self, gathered: Gathered) -> str:
        """Return "" where the service can have its runtime directory, else which daemon holds it."""
        runtime_dir = Path(gathered.settings.runtime.dir).expanduser()
        with RunningDaemon.found(runtime_dir) as daemon:
            if daemon is None:
                return ""
            [service] = self._manager.units([DAEMON])
            if service.pid == daemon.pid or daemon.ended(within_s=0):
                return ""
            if daemon.project != project_name(gathered.settings, Path.cwd().name):
                return str(AlreadyRunning(str(runtime_dir), daemon.pid, daemon.project))
            return (
                f"a daemon that systemd did not start runs here (pid {daemon.pid}), and the service cannot "
                "start beside it; `ccmux stop` ends it, Claude goes on; then deploy again"
            )

    def _keep(self) -> None:
        """Keep the settings that are deployed: units are judged by them where ccmux.toml is wrong later."""
        try:
            place_at(self._config, self._environment).keep()
        except (OSError, StateDirUnsafe) as error:
            self._warn(f"these settings are not kept for when ccmux.toml is wrong: {error}")

    def _tell_that_it_waits(self) -> None:
        self._warn("another ccmux-deploy is at work; waiting for it")

    def _retire(self, names: Sequence[str]) -> None:
        """Stop, disable and delete units: timers first, so that nothing starts what is being stopped."""
        in_order = sorted(names, key=lambda name: (not name.endswith(".timer"), name))
        self._manager.disable_now(*in_order)
        for name in in_order:
            self._files.remove(name)
            self._say(f"  - removed {name}")

    def _carry_out(self, rollout: Rollout) -> None:
        manager = self._manager
        manager.enable(*rollout.enable)
        manager.reset_failed(*rollout.revive)
        # Nobody waits here: a unit that is started may itself wait for this deployment to end.
        manager.try_restart(*rollout.renew, wait=False)
        manager.start(*rollout.start, wait=False)
        for word, units in (("restarted", rollout.renew), ("started", rollout.start)):
            for name in units:
                self._say(f"    {word} {name}")

    def _older(self, gathered: Gathered, states: Sequence[UnitState], rollout: Rollout) -> list[str]:
        """Return a warning where the daemon goes on with other settings than these."""
        running = place_at(self._config, self._environment).running_settings()
        if not restart_is_due(running, gathered.settings, states, rollout):
            return []
        restart = Starting(deployed=True).restart
        return [f"the daemon runs with older settings; {restart} takes the new ones (Claude goes on)"]

    def _linger(self) -> list[str]:
        """Let the units run without a login; return a warning where that cannot be."""
        lingering = self._manager.lingering()
        if lingering:
            return []
        why_not = self._manager.enable_linger()
        if not why_not:
            self._say("    lingering switched on: the units run without a login, and from boot on")
            return []
        says = "cannot tell whether units" if lingering is None else "units do not"
        return [f"{says} run without a login ({why_not}): sudo loginctl enable-linger $USER"]

    def _all_up(self, rendered: Mapping[str, str]) -> bool:
        """Say what failed; return whether all that should run does."""
        found = failed(rendered, self._manager.units(list(rendered)))
        for state in found.down:
            self._warn(f"{state.name} failed ({state.result}); see: journalctl --user-unit {state.name}")
        for state in found.earlier:
            see = f"see: journalctl --user-unit {state.name}"
            self._warn(f"note: {state.name} failed when it last ran ({state.result}); {see}")
        return not found.down


def _refuse(gathered: Gathered, planned: Plan, *more: str) -> None:
    """Refuse what must not be deployed, before anything is changed; "" is nothing."""
    problems = [*gathered.problems, *planned.refused, *filter(None, more)]
    if problems:
        raise DeploymentRefused(str(gathered.config), problems)


def _sum(planned: Plan, count: int) -> str:
    parts = {
        "created": planned.created,
        "updated": planned.updated,
        "removed": planned.orphans,
        "unchanged": planned.unchanged,
    }
    return f"{count} units: " + ", ".join(f"{len(names)} {word}" for word, names in parts.items())
