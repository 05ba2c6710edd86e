"""What happened since the last self-check: gaps, missed timers, crashes, what waits, what died."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccmux.core.control import way_out
from ccmux.core.findings import Finding, Verdict
from ccmux.core.observation import Hold
from ccmux.core.units import DAEMON
from ccmux.core.when import Wall, age, often

OUTAGE_S = 120.0
"""A gap above this is an outage. The last sign of life of a daemon that was killed is up to a minute old."""

TOLD_OUTAGES = 3
"""So many gaps are told one by one; the rest in one sentence."""

LONG_WAIT_S = 600.0
"""A message that waited longer than this was held up, even if nothing holds it now."""

_GO_AWAY = frozenset(
    {"", Hold.GENERATING, Hold.SETTLING, Hold.TERMINAL_ACTIVE, Hold.STARTING, Hold.NOT_RUNNING}
)
"""Holds that are over when Claude reads of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which no daemon ran; epoch seconds.

    Attributes:
        from_s: The last sign of life before it.
        to_s: The start after it.
        in_order: The daemon was stopped; else it was killed, crashed, or lost its power.

    """

    from_s: float
    to_s: float
    in_order: bool

    @property
    def is_outage(self) -> bool:
        """Whether it was long enough that something may have been missed."""
        return self.to_s - self.from_s > OUTAGE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A timer whose time came while nothing ran.

    Attributes:
        stem: The unit's name without its kind: "ccmux-news".
        due_s: When its time came first; epoch seconds.
        ran_s: When it ran since; None: it did not.

    """

    stem: str
    due_s: float
    ran_s: float | None


def is_worth_telling(finding: Finding) -> bool:
    """Whether Claude should read of it: not of what is over by then, told otherwise, or past mending."""
    match finding:
        case Finding(area="tmux") | Finding(area="claude", name=""):
            return False  # it reads
        case Finding(area="service", name="ccmux", verdict=Verdict.WARN):
            return False  # it runs; the gaps tell of how it ended
        case Finding(area="systemd", name="linger", verdict=Verdict.WARN):
            return False  # a machine without logind stays one
    return finding.verdict is not Verdict.OK


def gaps_between(runs: Sequence[Mapping[str, Any]], *, since_s: float | None) -> list[Gap]:
    """Return the gaps that ended after `since_s` (None: all), oldest first.

    `runs` as control.sock tells them; what says nothing of use is passed over.
    """
    gaps = []
    before_ended: object = None
    for run in runs:
        alive_s, started_s = run.get("alive_before"), run.get("started_at")
        if (
            isinstance(alive_s, int | float)
            and isinstance(started_s, int | float)
            and (since_s is None or started_s > since_s)
        ):
            in_order = before_ended == "stopped"
            gaps.append(Gap(from_s=float(alive_s), to_s=float(started_s), in_order=in_order))
        before_ended = run.get("ended")
    return gaps


def missed_in(
    gap: Gap,
    *,
    stem: str,
    last_run_s: float | None,
    comes_after: Callable[[float], float | None],
) -> Missed | None:
    """Return what of a timer was missed in a gap, None where nothing was.

    Args:
        gap: An outage.
        stem: The timer's name.
        last_run_s: When it last ran; None: not that anybody knows.
        comes_after: Returns when its calendars come first after a time; epoch seconds, None: never.

    """
    due_s = comes_after(gap.from_s)
    if due_s is None or due_s > gap.to_s:
        return None
    return Missed(stem=stem, due_s=due_s, ran_s=None if (last_run_s or 0) < due_s else last_run_s)


def happenings(
    *,
    gaps: Sequence[Gap],
    booted_s: float,
    missed: Sequence[Missed],
    claude_events: Sequence[Mapping[str, Any]],
    wall: Wall,
) -> Iterator[Finding]:
    """Yield what happened since the last self-check.

    Args:
        gaps: When no daemon ran, oldest first.
        booted_s: When the machine was started; epoch seconds, 0 where nobody knows.
        missed: Timers whose time came in a gap.
        claude_events: Events of the type `claude`, oldest first.
        wall: The time.

    """
    yield from _gaps(gaps, booted_s=booted_s, wall=wall)
    for one in missed:
        says = f"its time came at {wall.toward(one.due_s)}, while nothing ran"
        if one.ran_s is None:
            says += ", and it did not run since"
            mend = f"systemctl --user start {one.stem}.service"
            yield Finding(area="timer", name=one.stem, verdict=Verdict.BAD, says=says, mend=mend)
        else:
            says += f"; it was made up for, last run {wall.at(one.ran_s)}"
            yield Finding(area="timer", name=one.stem, verdict=Verdict.WARN, says=says)
    yield from _claude(claude_events, wall=wall)


def _gaps(gaps: Sequence[Gap], *, booted_s: float, wall: Wall) -> Iterator[Finding]:
    longest_first = sorted(gaps, key=lambda gap: gap.from_s - gap.to_s)
    told = sorted(longest_first[:TOLD_OUTAGES], key=lambda gap: gap.from_s)
    for gap in told:
        yield _gap(gap, booted_s=booted_s, wall=wall)
    rest = [gap for gap in gaps if gap not in told]
    if rest:
        says = f"was started anew {len(rest)} more times, last at {wall.toward(rest[-1].to_s)}"
        mend = f"journalctl --user-unit {DAEMON} -n 200 says why"
        yield Finding(area="daemon", verdict=Verdict.WARN, says=says, mend=mend)


def _gap(gap: Gap, *, booted_s: float, wall: Wall) -> Finding:
    if gap.from_s < booted_s <= gap.to_s:
        how = f"the machine was started at {wall.at(booted_s)}"
    else:
        how = "the daemon was stopped" if gap.in_order else "the daemon was killed or crashed"
    if gap.is_outage:
        says, area = f"nothing ran from {wall.span(gap.from_s, gap.to_s)}: {how}", "downtime"
    else:
        later = age(max(0.0, gap.to_s - gap.from_s))
        most = "" if gap.in_order else "at most "
        says, area = f"{how}; it runs again since {wall.at(gap.to_s)}, {most}{later} later", "daemon"
    look = f"journalctl --user-unit {DAEMON} --since=@{gap.from_s - 60:.0f} --until=@{gap.to_s:.0f} says why"
    return Finding(area=area, verdict=Verdict.WARN, says=says, mend="" if gap.in_order else look)


def _claude(events: Sequence[Mapping[str, Any]], *, wall: Wall) -> Iterator[Finding]:
    ends = [event for event in events if event.get("event") in {"crashed", "exited"}]
    if ends:
        last = ends[-1]
        crashes = sum(event.get("event") == "crashed" for event in ends)
        what = " and ".join(
            f"{word} {often(count)}"
            for word, count in (("crashed", crashes), ("exited", len(ends) - crashes))
            if count
        )
        when = f"{'last ' if len(ends) > 1 else ''}at {wall.toward(_ts(last))}"
        how = "" if last.get("exit") is None else f" (exit {last['exit']})"
        says = f"{what}, {when}{how}, and was started again"
        mend = (
            "ccmux tail --since " + str(int(ends[0].get("seq") or 1) - 1) + " tells of it; Ctrl-C ends that"
        )
        yield Finding(area="claude", name="restarts", verdict=Verdict.WARN, says=says, mend=mend)
    for event in events:
        if event.get("lost"):
            says = f"the conversation {event['lost']} was lost at {wall.toward(_ts(event))}: no transcript"
            mend = "a new one was begun; what it should know must be told again"
            yield Finding(area="claude", name="session", verdict=Verdict.BAD, says=says, mend=mend)


def waiting(
    status: Mapping[str, Any], *, oldest_s: float | None, letters: Sequence[float], since_s: float, wall: Wall
) -> Iterator[Finding]:
    """Yield what is held and what died.

    Args:
        status: As control.sock tells it.
        oldest_s: Since when the oldest queued message is there; None where none waits.
        letters: When each dead letter that is still on the list died.
        since_s: Of the last self-check; epoch seconds.
        wall: The time.

    """
    counts = status.get("queue") or {}
    hold, detail = str(status.get("hold") or ""), str(status.get("detail") or "")
    queued, waits_s = int(counts.get("queued") or 0), 0.0 if oldest_s is None else wall.now_s - oldest_s
    if queued and (hold not in _GO_AWAY or waits_s > LONG_WAIT_S):
        why = "nothing holds them now" if hold in _GO_AWAY else f"{hold}: {detail}" if detail else hold
        says = f"{queued} held for up to {age(max(0.0, waits_s))}: {why}"
        mend = "ccmux why" if hold in _GO_AWAY else f"{way_out(hold)}; ccmux why"
        yield Finding(area="messages", name="waiting", verdict=Verdict.WARN, says=says, mend=mend)
    dead = int(counts.get("dead") or 0)
    if dead:
        new = sum(at_s > since_s for at_s in letters)
        says = f"{dead} could not be taken or delivered, {new or 'none'} of them new"
        mend = "ccmux dead lists them; ccmux dead retry ID, or drop ID"
        yield Finding(area="messages", name="dead", verdict=Verdict.WARN, says=says, mend=mend)


def _ts(event: Mapping[str, Any]) -> float:
    return float(event.get("ts") or 0)
