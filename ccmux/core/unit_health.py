"""Whether a unit is as its own text promises, and what mends it where it is not. It asks nobody.

What a unit should be is read from the text that is rendered for it: a unit with an [Install] section is to be
enabled, one with `Type=oneshot` need not run, one with OnCalendar= has a next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ccmux.core.findings import Finding, Verdict
from ccmux.core.starting import fails
from ccmux.core.unit_state import UnitState
from ccmux.core.when import Wall, age, often

DEPLOY = "ccmux-deploy"
"""The command that writes, enables and starts the units again."""

FRESH_S = 600.0
"""A service that was started anew less than this ago may be about to fail again."""

SETTLED_S = 10.0
"""Nothing that has been up for less than this is called well after a failure."""

_SECOND_S = 1.0
"""systemd tells of its changes to the second."""

_AGAIN_AND_AGAIN = 2
"""Starts by systemd alone; one that a person starts begins to count anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the text of a unit promises.

    Attributes:
        name: "ccmux.service".
        oneshot: It runs to its end; it does not stay.
        installed: It has an [Install] section: something starts it at boot.
        part_of: The units whose stop is to stop it.
        calendar: It is a timer that has a next run for ever.
        identifier: The name its output bears in the journal; "" where the text says none.

    """

    name: str
    oneshot: bool
    installed: bool
    part_of: tuple[str, ...]
    calendar: bool
    identifier: str = ""

    @property
    def area(self) -> str:
        """The kind of unit: "service", "timer", "target"."""
        return self.name.rpartition(".")[2]

    @property
    def stem(self) -> str:
        """The name without its kind."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure of a unit that the journal tells of; `at_s` epoch seconds, `result` systemd's word."""

    at_s: float
    unit: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the journal tells of a unit.

    Attributes:
        failures: Since boot, or since somebody looked last; oldest first.
        told_from_s: Failures before this, epoch seconds, that are over are only counted.
        reason: What the program itself said last of why it ended; "" where it is not asked.

    """

    failures: Sequence[Failure] = field(default_factory=tuple)
    told_from_s: float = 0.0
    reason: str = ""

    @property
    def told(self) -> Sequence[Failure]:
        """Those failures that a person should know of although they are over."""
        return [failure for failure in self.failures if failure.at_s >= self.told_from_s]

    @property
    def because(self) -> str:
        return f": {self.reason}" if self.reason else ""


def promise_of(name: str, text: str) -> Promise:
    """Return what the text of a unit promises."""
    identifier = re.search(r"(?m)^SyslogIdentifier=(.*)$", text)
    parts = [word for value in re.findall(r"(?m)^PartOf=(.*)$", text) for word in value.split()]
    return Promise(
        name=name,
        oneshot=re.search(r"(?m)^Type=oneshot\s*$", text) is not None,
        installed=re.search(r"(?m)^\[Install\]\s*$", text) is not None,
        part_of=tuple(parts),
        calendar=re.search(r"(?m)^OnCalendar=.", text) is not None,
        identifier=identifier[1] if identifier else "",
    )


def unit_findings(
    promise: Promise, state: UnitState, *, past: Past | None = None, differs: bool = False, wall: Wall
) -> list[Finding]:
    """Return what is wrong with a unit, one finding each; where nothing is, the one that says how it is.

    Args:
        promise: What it is to be.
        state: What the manager says of it.
        past: What the journal tells of it; None is nothing.
        differs: Whether its file is another text than would be rendered now.
        wall: The time.

    """
    if state.load != "loaded":
        return [_not_loaded(promise, state)]
    past = past or Past()
    wrong = [*standing_findings(promise, state, differs=differs), *_running(promise, state, past, wall)]
    return wrong or [_finding(promise, Verdict.OK, _well(promise, state, past, wall))]


def _not_loaded(promise: Promise, state: UnitState) -> Finding:
    name = promise.name
    if state.load == "not-found":
        return _finding(promise, Verdict.BAD, "is not there", DEPLOY)
    if state.load == "masked":
        mend = f"systemctl --user unmask {name} && {DEPLOY}"
        return _finding(promise, Verdict.BAD, "is masked: nothing can start it", mend)
    mend = f"systemd-analyze --user verify {name} says why; then {DEPLOY}"
    return _finding(promise, Verdict.BAD, f"cannot be read by systemd ({state.load})", mend)


def standing_findings(promise: Promise, state: UnitState, *, differs: bool) -> Iterator[Finding]:
    """Yield what is wrong with the file of a loaded unit and what systemd made of it, run or not."""
    name = promise.name
    if differs:
        yield _finding(promise, Verdict.BAD, "is another text than ccmux.toml asks for", DEPLOY)
    elif state.needs_reload:
        says = "changed after systemd read it"
        yield _finding(promise, Verdict.BAD, says, "systemctl --user daemon-reload")
    missing = [whole for whole in promise.part_of if whole not in state.part_of]
    if missing:
        says = f"is not part of {', '.join(missing)}: a stop of that does not stop it"
        # No drop-in can take a dependency away (systemd.unit(5)); another file in place of ours can.
        look = f"systemctl --user daemon-reload; if it stays: systemctl --user cat {name}"
        yield _finding(promise, Verdict.BAD, says, DEPLOY if differs else look)
    if promise.installed and not state.is_enabled:
        says = f"does not start at boot ({state.file_state or 'no file'})"
        yield _finding(promise, Verdict.BAD, says, f"systemctl --user enable {name}")


def _running(promise: Promise, state: UnitState, past: Past, wall: Wall) -> Iterator[Finding]:
    """Yield what is wrong with how it runs."""
    name, failures = promise.name, past.failures
    look = f"journalctl --user-unit {name} -n 50 says why"
    if promise.oneshot and promise.identifier:
        # What ends at once is gone before journald asks which unit it was of.
        look += f" (what it printed: journalctl -t {promise.identifier} -n 50)"
    again = "restart" if state.active in {"active", "activating"} else "start"
    start = f"systemctl --user {again} {name}"
    if state.active == "failed":
        says = f"failed with {_ending(state)}{_since(state, wall, ' at ')}"
        if len(failures) > 1:
            says += f"; {len(failures)} failures, the first {wall.toward(failures[0].at_s)}"
        # One that failed too often is not started before that is forgotten, and its result does not tell.
        reset = f"systemctl --user reset-failed {name}"
        yield _finding(promise, Verdict.BAD, says + past.because, f"{look}; then {reset} && {start}")
    elif state.sub == "auto-restart":
        so_far = f", {often(state.restarts)} so far" if state.restarts else ""
        says = f"ended with {_ending(state)} and is started anew{so_far}{past.because}"
        yield _finding(promise, Verdict.BAD, says, look)
    elif not promise.oneshot and fails(state):
        says = f"does not come up, started anew {often(max(state.restarts, 1))}{_last(failures, wall)}"
        yield _finding(promise, Verdict.BAD, says + past.because, look)
    elif state.active in {"inactive", "deactivating"} and not promise.oneshot:
        says = "is stopping" if state.active == "deactivating" else "is stopped"
        yield _finding(promise, Verdict.BAD, says + _since(state, wall, " since "), start)
    elif promise.calendar and state.active == "active" and state.next_s is None and state.sub != "running":
        yield _finding(promise, Verdict.BAD, "has no next run", start)
    else:
        yield from _came_back(promise, state, past, wall, look)


def _came_back(promise: Promise, state: UnitState, past: Past, wall: Wall, look: str) -> Iterator[Finding]:
    """Yield what is to be said of a unit that runs, or ended well, after it failed."""
    told = past.told
    up_s = None if promise.oneshot or state.since_s is None else wall.now_s - state.since_s
    is_settled = up_s is None or up_s >= _settles_s(past.failures)
    is_looping = not is_settled and state.restarts >= _AGAIN_AND_AGAIN
    verdict = Verdict.BAD if is_looping else Verdict.WARN
    if told:
        says = f"failed {often(len(told))}{_last(told, wall)}; "
        if promise.oneshot and state.active == "activating":
            says += "it runs again"
        elif promise.oneshot and (state.since_s or 0) < told[-1].at_s + _SECOND_S:
            says += "it did not run since"
        elif is_settled:
            says += "it is well now"
        else:
            says += f"up for {_for(state, wall)} only" + (past.because if is_looping else "")
        yield _finding(promise, verdict, says, look)
    elif state.restarts and (is_looping or _is_fresh(state, wall)):
        last = ", last at " if state.restarts > 1 else ", at "
        says = f"ended and was started anew {often(state.restarts)}{_since(state, wall, last)}"
        yield _finding(promise, verdict, says + (past.because if is_looping else ""), look)


def _settles_s(failures: Sequence[Failure]) -> float:
    """Return how long a service must be up to be called well: longer than between its last failures."""
    gap_s = failures[-1].at_s - failures[-2].at_s if len(failures) > 1 else 0.0
    return min(max(SETTLED_S, gap_s), FRESH_S)


def _last(failures: Sequence[Failure], wall: Wall) -> str:
    if not failures:
        return ""
    last = "last " if len(failures) > 1 else ""
    return f", {last}with {failures[-1].result} at {wall.toward(failures[-1].at_s)}"


def _well(promise: Promise, state: UnitState, past: Past, wall: Wall) -> str:
    before = ""
    if failures := past.failures:
        before = f"; {len(failures)} failure{'s' * (len(failures) > 1)} since boot"
    if promise.area == "timer":
        coming = "no more run before the next start" if state.next_s is None else _next(state.next_s, wall)
        ran = "not run yet" if state.last_s is None else f"last run {wall.toward(state.last_s)}"
        return f"{coming}; {ran}{before}"
    if promise.oneshot:
        if state.active == "activating":
            return f"runs now, pid {state.pid}" if state.pid else "runs now"
        says = f"ended well{_since(state, wall, ' at ')}" if state.since_s is not None else "not run yet"
        return says + before
    says = state.active if state.since_s is None else f"{state.active} for {_for(state, wall)}"
    says += f", pid {state.pid}" if state.pid else ""
    return says + (before or (f", started anew {often(state.restarts)}" if state.restarts else ""))


def _ending(state: UnitState) -> str:
    """Return how a unit last ended, in systemd's words: "exit-code 3", "watchdog"."""
    counted = state.result in {"exit-code", "signal", "core-dump"}
    return f"{state.result} {state.exit_status}" if counted else state.result


def _next(next_s: float, wall: Wall) -> str:
    return f"next run {wall.toward(next_s)}" if next_s > wall.now_s else "runs now"


def _since(state: UnitState, wall: Wall, before: str) -> str:
    return "" if state.since_s is None else before + wall.toward(state.since_s)


def _for(state: UnitState, wall: Wall) -> str:
    return age(max(0.0, wall.now_s - (state.since_s or wall.now_s)))


def _is_fresh(state: UnitState, wall: Wall) -> bool:
    return state.since_s is not None and wall.now_s - state.since_s < FRESH_S


def _finding(promise: Promise, verdict: Verdict, says: str, mend: str = "") -> Finding:
    return Finding(area=promise.area, name=promise.stem, verdict=verdict, says=says, mend=mend)
