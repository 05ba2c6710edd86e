"""What verify and the self-check look at, each with its judge: units, and all they need to be of use.

It changes nothing and waits for nobody longer than a limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ccmux import __version__
from ccmux.ask_program import ask_program
from ccmux.core.doctor.disk import judge_space
from ccmux.core.doctor.files import judge_runtime
from ccmux.core.doctor.services import judge_linger
from ccmux.core.doctor.session import Reach, judge_daemon
from ccmux.core.findings import Finding, Verdict
from ccmux.core.settings import RelaySettings
from ccmux.core.settings_trouble import trouble_finding
from ccmux.core.starting import fails
from ccmux.core.unit_health import Failure, promise_of
from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, RECONCILE, RELAY
from ccmux.core.verify import (
    Units,
    claude_finding,
    health_finding,
    proxy_address,
    proxy_finding,
    relay_finding,
    session_finding,
    silent_finding,
)
from ccmux.core.when import Wall
from ccmux.drivers import modes
from ccmux.drivers.clock import WallClock
from ccmux.drivers.disk_space import spaces
from ccmux.drivers.processes import Processes
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.drivers.tcp import connect_problem, health_problem
from ccmux.place import Place
from ccmux.upkeep.gathering import Gathered, plan_for, unread
from ccmux.upkeep.patient import Patient

_LIMIT_S = 5.0
_FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - that it listens there is not our doing
_REASON_S = 3_600.0
"""A daemon that does not come up in five minutes says why within this."""


def wall() -> Wall:
    """Return the clock as it stands."""
    clock = WallClock()
    return Wall(now_s=clock.now(), local=clock.local)


def settings_findings(place: Place) -> list[Finding]:
    """Return what is to be said where a place goes by older settings than ccmux.toml has."""
    return [] if place.trouble is None else [trouble_finding(place.trouble, wall())]


def units_seen(
    gathered: Gathered,
    existing: Mapping[str, str],
    manager: UserManager,
    files: UnitFiles,
    *,
    failed_since_s: float,
    told_from_s: float = 0.0,
) -> Units:
    """Return what there is of units, and what should be.

    Args:
        gathered: What should be.
        existing: The unit files that are there.
        manager: It answers.
        files: The folder of these files.
        failed_since_s: From when on failures are looked for; epoch seconds.
        told_from_s: From when on they are told of although they are over.

    """
    planned = plan_for(gathered, existing)
    where = unread(manager, files)
    # systemd may go on with what it read of a file that is gone.
    names = [name for name in gathered.rendered if name not in planned.created]
    states = {state.name: state for state in manager.units(names)}
    # What is said of a unit of somebody else's would be mended by touching it.
    theirs = {name for name in planned.foreign if states[name].load != "masked"}
    return Units(
        promises=[promise_of(name, text) for name, text in gathered.rendered.items() if name not in theirs],
        states=states,
        failures=[
            Failure(at_s=at_s, unit=unit, result=result)
            for at_s, unit, result in manager.failures(failed_since_s)
        ],
        told_from_s=told_from_s,
        reasons=reasons(states.values(), manager),
        differing=frozenset(planned.updated),
        orphans=planned.orphans,
        refused=[*gathered.problems, *planned.refused, *([where] if where else [])],
    )


def reasons(states: Iterable[UnitState], manager: UserManager) -> dict[str, str]:
    """Return why units of ccmux's own end that do, by name; what others print may be somebody's mail."""
    since_s = time.time() - _REASON_S
    said = {}
    for state in states:
        if state.name in {DAEMON, RECONCILE, RELAY} and _may_have_failed(state):
            identifier = state.name.removesuffix(".service")
            said[state.name] = manager.reason(identifier, since_s=since_s, running=state.pid)
    return said


def _may_have_failed(state: UnitState) -> bool:
    return fails(state) or state.restarts > 0


def surroundings(
    patient: Patient, place: Place, manager: UserManager | None, units: Units | None = None
) -> Iterator[Finding]:
    """Yield what is to be said of all that is no unit, and does not follow from what is said of `units`.

    `manager` is None where no systemd runs, or none that has units of ours; then so is `units`.
    """
    if manager is not None:
        yield judge_linger(manager.lingering(), deployed=True).finding
    is_told = units is not None and units.tells_of_daemon and not patient.daemon.is_up
    if not (is_told and units is not None and units.stopped):
        session = place.paths.tmux_session
        yield session_finding(session, session_problem(session, patient.tmux, patient.environment))
    if not is_told:
        yield from _daemon(patient, place)
    if proxy := place.settings.claude.proxy:
        address = proxy_address(proxy)
        problem = "" if address is None else connect_problem(*address, limit_s=_LIMIT_S)
        yield proxy_finding(address, problem)
    if patient.is_ours_up:
        port = place.settings.mcp.port
        yield health_finding(port, health_problem(port, limit_s=_LIMIT_S))
    if units is not None and units.state(RELAY).active == "active":
        yield _relay(place.settings.relay)
    yield from _looked_at("files", lambda: _runtime(patient, place.paths.runtime_dir))
    yield from _looked_at("disk", lambda: _disks(place))


def _relay(relay: RelaySettings) -> Finding:
    host = _FROM_HERE.get(relay.host, relay.host)
    if relay.certfile:
        return relay_finding(f"{host}:{relay.port}", connect_problem(host, relay.port, limit_s=_LIMIT_S))
    problem = health_problem(relay.port, limit_s=_LIMIT_S, host=host)
    return relay_finding(f"{host}:{relay.port}/healthz", problem)


def session_problem(session: str, tmux: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return "" where the session of exactly this name is there, else what tmux says."""
    argv = [*tmux, "has-session", "-t", f"={session}"]
    return ask_program(argv, environment=environment, limit_s=_LIMIT_S).failure


def _daemon(patient: Patient, place: Place) -> Iterator[Finding]:
    facts = patient.daemon
    if not facts.is_up:
        starting = patient.starting
        mend = starting.silent if facts.reach is Reach.SILENT else starting.start
        yield silent_finding(facts.reason, mend)
        return
    yield judge_daemon(
        facts,
        project=place.paths.project,
        version=__version__,
        known=True,
        settings_changed_s=patient.settings_changed_s,
        starting=patient.starting,
    ).finding
    if patient.is_ours_up:
        pid = patient.claude_pid
        lives = pid is not None and Processes().state(pid) not in {"", "Z"}
        yield claude_finding(facts.status, lives=lives)


def _runtime(patient: Patient, folder: Path) -> list[Finding]:
    judged = judge_runtime(modes.tree(folder), uid=patient.uid, daemon_up=patient.is_ours_up)
    return [diagnosis.finding for diagnosis in judged]


def _disks(place: Place) -> list[Finding]:
    found = spaces({"data": place.paths.data_dir, "runtime": place.paths.runtime_dir})
    # Whether data may lie in memory is the doctor's business: it says nothing of the deployment.
    return [one.finding for space in found for one in judge_space(space, keeps_data=False)]


def _looked_at(area: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except OSError as error:
        says = f"cannot be looked at: {error}"
        return [Finding(area=area, verdict=Verdict.BAD, says=says, mend="ccmux doctor says more")]
