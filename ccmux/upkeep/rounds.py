"""The doctor's rounds: each gathers the facts of one area from its drivers and hands them to its judge.

All run at once, each on its own; one that fails or hangs says so and keeps none of the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ccmux import __version__
from ccmux.ask_program import ask_program
from ccmux.core import mcp_config
from ccmux.core.doctor import clock, database, disk, files, port, queue, services, session, tmux
from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns
from ccmux.core.doctor.secrecy import may_be_secret
from ccmux.core.errors import CcmuxError, SettingsInvalid
from ccmux.core.findings import Verdict
from ccmux.core.unit_health import promise_of
from ccmux.core.units import owner_of
from ccmux.core.verify import Units
from ccmux.drivers import disk_space, kernel_clock, modes, port_holders, project_files
from ccmux.drivers.processes import Processes
from ccmux.drivers.runtime_dir import RunningDaemon
from ccmux.drivers.spool_state import spool_state
from ccmux.drivers.sqlite import MIGRATIONS
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.drivers.tmux.canary import fly
from ccmux.place import Place
from ccmux.upkeep.claude_round import examine_claude
from ccmux.upkeep.gathering import gather, plan_for
from ccmux.upkeep.patient import Patient
from ccmux.upkeep.surroundings import reasons, settings_findings, wall

LIMIT_S = 15.0
"""Most calls have a limit of their own below this; a hanging systemctl or file system has not."""

_PROGRAM_S = 5.0
_HOOK_GRACE_S = 1.5
"""Between Claude's first sign of life and its first hook."""
_TAKEN_WITHIN_S = 5.0

Round = Callable[[Patient], list[Diagnosis]]
PlaceRound = Callable[[Patient, Place], list[Diagnosis]]


def examine(patient: Patient) -> list[Diagnosis]:
    """Return all that was found, from the foundation up."""
    place = patient.place
    rounds: dict[str, Callable[[], list[Diagnosis]]] = {
        area: partial(look, patient) for area, look in _ANYWHERE.items()
    }
    if place is not None:
        rounds |= {area: partial(look, patient, place) for area, look in _IN_A_PLACE.items()}
    # What several of them need is asked for once, before they start.
    _ = patient.daemon
    started = [Started(area, rounds[area]) for area in _ORDER if area in rounds]
    return [found for one in started for found in one.result()]


class Started:
    """A round in a thread of its own; what hangs there does not keep the program from its end."""

    def __init__(self, area: str, look: Callable[[], list[Diagnosis]]) -> None:
        """Start it; an error of it becomes a warning of `area`."""
        self._area = area
        self._look = look
        self._found: list[Diagnosis] | None = None
        self._bug: Exception | None = None
        self._until_s = time.monotonic() + LIMIT_S
        # That of tmux has a server to end, and has a limit of its own: also after a Ctrl-C it is waited for.
        is_left = area != "tmux"
        self._thread = threading.Thread(target=self._run, name=f"doctor {area}", daemon=is_left)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._look()
        except SettingsInvalid:
            self._found = [self._not_made("ccmux.toml has problems, see above")]
        except (CcmuxError, OSError) as error:
            self._found = [self._not_made(str(error))]
        except Exception as bug:
            self._bug = bug

    def result(self) -> list[Diagnosis]:
        """Wait, no longer than the limit, and return what was found."""
        self._thread.join(max(0.0, self._until_s - time.monotonic()))
        if self._bug is not None:
            raise self._bug
        return [self._not_made(f"no answer within {LIMIT_S:g} s")] if self._found is None else self._found

    def _not_made(self, reason: str) -> Diagnosis:
        return warns(
            self._area, "", f"this could not be looked at: {reason}", "mend that, then: ccmux doctor"
        )


# ------------------------------------------------------------------------------------------- the foundation


def _settings(patient: Patient) -> list[Diagnosis]:
    if patient.problems:
        mend = f"edit {patient.config}; the rest is looked at then"
        return [ails("settings", "", problem, mend) for problem in patient.problems]
    if patient.place is not None and (found := settings_findings(patient.place)):
        return [Diagnosis(finding=finding) for finding in found]
    if not patient.config.exists():
        return [fine("settings", "", f"no {patient.config}: the defaults are used")]
    return [fine("settings", "", str(patient.config))]


def _disk(_patient: Patient, place: Place) -> list[Diagnosis]:
    paths = place.paths
    found = disk_space.spaces({"data": paths.data_dir, "runtime": paths.runtime_dir})
    return [
        one
        for space in found
        for one in disk.judge_space(space, keeps_data="data" in space.holds.split(", "))
    ]


def _files(patient: Patient, place: Place) -> list[Diagnosis]:
    paths, uid = place.paths, patient.uid
    runtime = modes.tree(paths.runtime_dir)
    found = files.judge_runtime(runtime, uid=uid, daemon_up=patient.is_ours_up)
    # What else lies there is not ours: the variables may name a folder with other things in it.
    ours = {path.name for path in (paths.contacts, paths.attachments_dir, paths.logs_dir)} | {"ccmux"}
    data = modes.tree(paths.data_dir.resolve(), only=ours)
    secrets = modes.tree(paths.secrets_dir.resolve(), deep=False)
    found += files.judge_private("data", data, uid=uid, secret=False)
    found += files.judge_private("secrets", secrets, uid=uid, secret=True)
    if paths.state_dir.exists():
        wanted = [paths.logs_dir, paths.secrets_dir]
        missing = files.judge_missing([str(folder) for folder in wanted if not folder.exists()])
        found += [missing] if missing is not None else []
    config = files.judge_config(modes.entry(patient.config), secrets=may_be_secret(place.settings))
    return found + ([config] if config is not None else [])


def _clock(patient: Patient) -> list[Diagnosis]:
    newest = patient.database.newest_event if patient.database is not None else None
    return [clock.judge_clock(now=time.time(), newest_event=newest, synchronised=kernel_clock.synchronised())]


def _database(patient: Patient, _place: Place) -> list[Diagnosis]:
    return database.judge_database(patient.database, schema=len(MIGRATIONS))


def _tmux(patient: Patient) -> list[Diagnosis]:
    answer = ask_program(["tmux", "-V"], environment=patient.environment, limit_s=_PROGRAM_S)
    version = tmux.judge_version(answer.out)
    if version.finding.verdict is Verdict.BAD:
        return [version]
    return [version, tmux.judge_canary(fly(tmux.CANARY))]


# -------------------------------------------------------------------------------------- what keeps it running


def _systemd(patient: Patient) -> list[Diagnosis]:
    manager = UserManager(patient.environment)
    unreachable = manager.unreachable()
    existing = UnitFiles(patient.environment).read()
    config = patient.config
    deployed = tuple(name for name, text in existing.items() if owner_of(text) == str(config))
    version = None if unreachable else manager.version()
    judged = [services.judge_manager(unreachable, version=version, deployed=bool(deployed))]
    if unreachable:
        return judged
    judged.append(services.judge_linger(manager.lingering(), deployed=bool(deployed)))
    if not deployed:
        return [*judged, services.judge_undeployed(patient.starting)]
    if patient.place is None:
        raise SettingsInvalid(str(config), patient.problems)
    gathered = gather(patient.place, patient.environment, manager, existing)
    planned = plan_for(gathered, existing)
    states = {state.name: state for state in manager.units(deployed)}
    promises = [promise_of(name, text) for name, text in gathered.rendered.items() if name in states]
    units = Units(promises=promises, states=states, reasons=reasons(states.values(), manager))
    files = services.UnitFiles(
        deployed=deployed,
        stale=(*planned.created, *planned.updated, *planned.orphans),
        refused=(*gathered.problems, *planned.refused),
    )
    return judged + services.judge_units(files, units, wall=wall())


def _port(patient: Patient, place: Place) -> list[Diagnosis]:
    theirs = patient.daemon.status.get("port")
    ours, others = (theirs, None) if patient.is_ours_up else (None, theirs)
    wanted = place.settings.mcp.port
    with RunningDaemon.found(place.paths.runtime_dir) as running:
        is_ours = running is not None and running.project == place.paths.project
        silent = running.pid if running is not None and is_ours and not patient.daemon.is_up else None
    holders = port_holders.port_holders(wanted)
    return [port.judge_port(wanted, holders, daemons_port=ours, silent_pid=silent, others_port=others)]


# ------------------------------------------------------------------------------------------------ what runs


def _daemon(patient: Patient, place: Place) -> list[Diagnosis]:
    return [
        session.judge_daemon(
            patient.daemon,
            project=place.paths.project,
            version=__version__,
            known=place.is_known,
            settings_changed_s=patient.settings_changed_s,
            starting=patient.starting,
        )
    ]


def _session(patient: Patient, place: Place) -> list[Diagnosis]:
    status = patient.daemon.status if patient.is_ours_up else {}
    if not status and not place.is_known:
        return []
    judged = []
    if status:
        judged.append(session.judge_claude(status))
        if session.should_have_been_heard(status) and patient.claude_pid is not None:
            judged.append(_hooks(place, patient.claude_pid))
    wanted = int(status.get("port") or place.settings.mcp.port)
    content = project_files.read(Path.cwd() / mcp_config.FILE_NAME)
    return [*judged, session.judge_mcp(content, port=wanted, daemon_up=bool(status))]


def _hooks(place: Place, pid: int) -> Diagnosis:
    """Look at the hooks; where none came yet look once more: Claude may have started just now."""
    judged = _heard(place, pid)
    if judged.finding.verdict is Verdict.BAD:
        time.sleep(_HOOK_GRACE_S)
        judged = _heard(place, pid)
    return judged


def _heard(place: Place, pid: int) -> Diagnosis:
    now = time.time()
    spool = spool_state(place.paths.hook_spool, older_than=now - _TAKEN_WITHIN_S)
    return session.judge_hooks(
        heard_at=spool.changed_at,
        claude_started_at=Processes().started_at(pid),
        waiting=spool.waiting,
        rejected=spool.rejected,
        now=now,
    )


def _queue(patient: Patient, _place: Place) -> list[Diagnosis]:
    if patient.is_ours_up:
        status = patient.daemon.status
        is_hold = status.get("hold") == "paused"
        judged = queue.judge_queue(
            status.get("queue", {}),
            paused=bool(status.get("paused")),
            paused_s=status.get("held_s") if is_hold else None,
        )
        return judged + queue.judge_outgoing(status.get("out", {}))
    facts = patient.database
    if facts is None or facts.failure:
        return []
    return queue.judge_queue(facts.counts, paused=facts.paused, paused_s=None)


_ANYWHERE: Mapping[str, Round] = {
    "settings": _settings,
    "clock": _clock,
    "tmux": _tmux,
    "systemd": _systemd,
}
_IN_A_PLACE: Mapping[str, PlaceRound] = {
    "disk": _disk,
    "files": _files,
    "database": _database,
    "claude": examine_claude,
    "port": _port,
    "daemon": _daemon,
    "session": _session,
    "queue": _queue,
}
_ORDER = (
    *("settings", "disk", "clock", "files", "database"),
    *("tmux", "claude", "systemd", "port"),
    *("daemon", "session", "queue"),
)
