"""What verify and the self-check look at, each with its judge: units, and all they need to be of use.

It changes nothing and waits for nobody longer than a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ccmux import __version__
from ccmux.ask_program import ask_program
from ccmux.core.doctor.disk import judge_space
from ccmux.core.doctor.files import judge_runtime
from ccmux.core.doctor.services import judge_linger
from ccmux.core.doctor.session import judge_daemon
from ccmux.core.findings import Finding, Verdict
from ccmux.core.unit_health import Failure, promise_of
from ccmux.core.verify import (
    Units,
    claude_finding,
    health_finding,
    proxy_address,
    proxy_finding,
    session_finding,
    silent_finding,
)
from ccmux.core.when import Wall
from ccmux.drivers import modes
from ccmux.drivers.clock import WallClock
from ccmux.drivers.disk_space import spaces
from ccmux.drivers.processes import Processes
from ccmux.drivers.systemd import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.drivers.tcp import connect_problem, health_problem
from ccmux.place import Place
from ccmux.upkeep.gathering import Gathered, plan_for, unread
from ccmux.upkeep.patient import Patient

_LIMIT_S = 5.0


def wall() -> Wall:
    """Return the clock as it stands."""
    clock = WallClock()
    return Wall(now_s=clock.now(), local=clock.local)


def units_seen(
    gathered: Gathered,
    existing: Mapping[str, str],
    manager: UserManager,
    files: UnitFiles,
    *,
    failed_since_s: float,
) -> Units:
    """Return what there is of units, and what should be; `failed_since_s` epoch seconds."""
    planned = plan_for(gathered, existing)
    where = unread(manager, files)
    return Units(
        promises=[promise_of(name, text) for name, text in gathered.rendered.items()],
        states={state.name: state for state in manager.units(list(gathered.rendered))},
        failures=[
            Failure(at_s=at_s, unit=unit, result=result)
            for at_s, unit, result in manager.failures(failed_since_s)
        ],
        differing=frozenset(planned.updated),
        orphans=planned.orphans,
        refused=[*gathered.problems, *planned.refused, *([where] if where else [])],
    )


def surroundings(patient: Patient, place: Place, manager: UserManager | None) -> Iterator[Finding]:
    """Yield what is to be said of all that is no unit; `manager` None where no systemd runs."""
    if manager is not None:
        yield judge_linger(manager.lingering(), deployed=True).finding
    yield session_finding(place.paths.tmux_session, _session_problem(place, patient.environment))
    yield from _daemon(patient, place)
    if proxy := place.settings.claude.proxy:
        address = proxy_address(proxy)
        problem = "" if address is None else connect_problem(*address, limit_s=_LIMIT_S)
        yield proxy_finding(address, problem)
    port = place.settings.mcp.port
    yield health_finding(port, health_problem(port, limit_s=_LIMIT_S))
    yield from _looked_at("files", lambda: _runtime(patient, place.paths.runtime_dir))
    yield from _looked_at("disk", lambda: _disks(place))


def _session_problem(place: Place, environment: Mapping[str, str]) -> str:
    """Return "" where the session of exactly this name is there, else what tmux says."""
    # Without -L it would be the server that we run inside of.
    server = place.settings.tmux.socket or "default"
    argv = ["tmux", "-L", server, "has-session", "-t", f"={place.paths.tmux_session}"]
    return ask_program(argv, environment=environment, limit_s=_LIMIT_S).failure


def _daemon(patient: Patient, place: Place) -> Iterator[Finding]:
    facts = patient.daemon
    if not facts.is_up:
        yield silent_finding(facts.reason)
        return
    yield judge_daemon(
        facts,
        project=place.paths.project,
        version=__version__,
        known=True,
        settings_changed_s=patient.settings_changed_s,
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
