"""What the self-check looks at: units, what they need, what the daemon tells of the time since."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ccmux.client import ControlClient
from ccmux.core.doctor.queue import judge_outgoing, judge_queue
from ccmux.core.errors import DaemonUnreachable, RequestRefused
from ccmux.core.findings import Finding
from ccmux.core.selfcheck import (
    Gap,
    LastCheck,
    Missed,
    Report,
    gaps_between,
    happenings,
    missed_in,
    report_of,
    waiting,
)
from ccmux.core.verify import Units, units_findings
from ccmux.core.when import Wall
from ccmux.drivers.machine import booted_at
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.place import Place
from ccmux.upkeep.gathering import gather
from ccmux.upkeep.patient import Patient
from ccmux.upkeep.surroundings import settings_findings, surroundings, units_seen

QUIET_S = 1.0
"""The event log is read to its end when nothing more comes for so long."""

_LETTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timer:
    """A timer with calendars; `last_run_s` epoch seconds, None where nobody knows of one."""

    stem: str
    calendars: tuple[str, ...]
    last_run_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the daemon tells beside its status; times in epoch seconds."""

    runs: Sequence[Mapping[str, Any]] = ()
    claude_events: Sequence[Mapping[str, Any]] = ()
    oldest_s: float | None = None
    letters: Sequence[float] = ()
    seq: int


def look(patient: Patient, place: Place, last: LastCheck | None, now: Wall) -> Report:
    """Return what is to be told; `last` None where this is the first self-check."""
    booted_s = booted_at()
    since_s = booted_s if last is None else last.at_s
    manager: UserManager | None = UserManager(patient.environment)
    # Units of another project's are none of ours.
    if not place.has_settings or patient.starting.other:
        manager = None
    if manager is not None and manager.unreachable():
        manager = None
    findings = settings_findings(place)
    timers: list[_Timer] = []
    units: Units | None = None
    if manager is not None:
        units, timers = _units(patient, place, manager, since_s)
        findings += units_findings(units, wall=now)
    findings += surroundings(patient, place, manager, units)

    told = _Told(seq=last.seq if last is not None else 0)
    if patient.is_ours_up:
        told = _told(place, last)
    gaps = gaps_between(told.runs, since_s=since_s)
    missed: list[Missed] = []
    if manager is not None and last is not None:
        # A timer that was not there before the gap was not missed in it.
        known = [timer for timer in timers if timer.stem in last.timers]
        missed += _missed(known, [gap for gap in gaps if gap.is_outage], manager)
    findings += happenings(
        gaps=gaps, booted_s=booted_s, missed=missed, claude_events=told.claude_events, wall=now
    )
    findings += _queue(patient.daemon.status if patient.is_ours_up else {}, told, since_s, now)
    stems = [timer.stem for timer in timers]
    return report_of(findings, at_s=now.now_s, last=last, seq=told.seq, timers=stems)


def _units(
    patient: Patient, place: Place, manager: UserManager, since_s: float
) -> tuple[Units, list[_Timer]]:
    files = UnitFiles(patient.environment)
    existing = files.read()
    gathered = gather(place, patient.environment, manager, existing)
    units = units_seen(gathered, existing, manager, files, failed_since_s=since_s)
    timers = [
        _Timer(
            stem=f"ccmux-{name}",
            calendars=timer.schedule,
            last_run_s=units.state(f"ccmux-{name}.timer").last_s,
        )
        for name, timer in gathered.settings.timers.items()
        if timer.schedule
    ]
    # Who deployed may have called ccmux by another path than this program has: that is no fault of the units.
    return replace(units, differing=frozenset()), timers


def _missed(timers: Sequence[_Timer], gaps: Sequence[Gap], manager: UserManager) -> Iterator[Missed]:
    for timer in timers:

        def comes_after(after_s: float, calendars: tuple[str, ...] = timer.calendars) -> float | None:
            comes = [manager.next_run(one, after_s=after_s) for one in calendars]
            return min((at_s for at_s in comes if at_s is not None), default=None)

        for gap in gaps:
            missed = missed_in(gap, stem=timer.stem, last_run_s=timer.last_run_s, comes_after=comes_after)
            if missed is not None:
                yield missed
                break


def _queue(status: Mapping[str, Any], told: _Told, since_s: float, now: Wall) -> Iterator[Finding]:
    yield from waiting(status, oldest_s=told.oldest_s, letters=told.letters, since_s=since_s, wall=now)
    counts = status.get("queue", {})
    uncertain = {"uncertain": counts.get("uncertain", 0)}
    # With messages behind it a pause is told of as what holds them.
    paused = bool(status.get("paused")) and not counts.get("queued")
    judged = [*judge_queue(uncertain, paused=paused, paused_s=None), *judge_outgoing(status.get("out", {}))]
    yield from (diagnosis.finding for diagnosis in judged)


def _told(place: Place, last: LastCheck | None) -> _Told:
    try:
        with place.control() as control:
            return _Told(
                seq=int(control.ask("status")["status"]["last_seq"]),
                # All of them: how a run ended that was over before says how the gap after it began.
                runs=control.ask("runs")["runs"],
                claude_events=[] if last is None else _claude_events(place, last.seq),
                oldest_s=_oldest(control),
                letters=[float(letter["at"]) for letter in control.ask("dead", limit=_LETTERS)["letters"]],
            )
    except (DaemonUnreachable, RequestRefused):
        return _Told(seq=last.seq if last is not None else 0)


def _oldest(control: ControlClient) -> float | None:
    """Return since when the head of the queue is there."""
    heads = [hold for hold in control.ask("why")["holds"] if hold["state"] == "queued"]
    return time.time() - float(heads[0]["since_s"]) if heads else None


def _claude_events(place: Place, since: int) -> list[dict[str, Any]]:
    """Return the events of Claude's starts and ends after a number; those that can be had."""
    events = []
    try:
        with place.events(since=since, types=["claude"]) as stream:
            while True:
                events.append(stream.next(timeout_s=QUIET_S))
    except (TimeoutError, DaemonUnreachable):
        return events
