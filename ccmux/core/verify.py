"""Whether what is deployed is as the settings ask for, and works: facts in, findings out, each with its mend.

It looks at nothing. Facts that cannot be had are told as such, never taken for good ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ccmux.core.doctor.session import judge_claude
from ccmux.core.findings import Finding, Verdict
from ccmux.core.starting import Starting
from ccmux.core.unit_health import DEPLOY, Failure, Past, Promise, standing_findings, unit_findings
from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, RELAY, TARGET
from ccmux.core.when import Wall, age

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080
_STILL = frozenset({"inactive", "deactivating"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What the service manager and the unit folder say.

    Attributes:
        promises: What the settings call for, and nobody else has put a file of the same name in its place.
        states: What the manager says of each of these whose file is there.
        failures: What the journal tells of since boot, or since somebody looked last; oldest first.
        told_from_s: Failures before this, epoch seconds, that are over are only counted.
        reasons: Why units ended, by name, where they said it.
        differing: Names of units whose file is another text than would be rendered now.
        orphans: Names of units that were ours and that no setting calls for any more.
        refused: Why something cannot be deployed as it stands, one sentence each.

    """

    promises: Sequence[Promise]
    states: Mapping[str, UnitState]
    failures: Sequence[Failure] = ()
    told_from_s: float = 0.0
    reasons: Mapping[str, str] = field(default_factory=dict)
    differing: frozenset[str] = frozenset()
    orphans: Sequence[str] = ()
    refused: Sequence[str] = ()

    def state(self, name: str) -> UnitState:
        """Return what the manager says of a unit."""
        return self.states.get(name, UnitState(name=name, load="not-found", active=""))

    @property
    def stopped(self) -> frozenset[str]:
        """The units that lie still because the target does; none where the daemon runs or fails."""
        states = [self.state(promise.name) for promise in self.promises]
        still = {state.name for state in states if state.load == "loaded" and state.active in _STILL}
        if not {TARGET, DAEMON} <= still:
            return frozenset()
        # A task that is not at work is as it should be.
        return frozenset(
            promise.name for promise in self.promises if promise.name in still and not promise.oneshot
        )

    @property
    def tells_of_daemon(self) -> bool:
        """Whether the finding of the daemon's unit says already that it is down, and how it comes up."""
        return self.state(DAEMON).active != "active"


def units_findings(units: Units, *, wall: Wall) -> Iterator[Finding]:
    """Yield what is to be said of each unit, in the order of the promises; at the end what is too many."""
    stopped = units.stopped
    if stopped:
        yield _stopped_finding(units.state(TARGET), len(stopped) - 1, wall)
    for promise in units.promises:
        differs, state = promise.name in units.differing, units.state(promise.name)
        if promise.name in stopped:
            yield from standing_findings(promise, state, differs=differs)
            continue
        past = Past(
            failures=[failure for failure in units.failures if failure.unit == promise.name],
            told_from_s=units.told_from_s,
            reason=units.reasons.get(promise.name, ""),
        )
        yield from unit_findings(promise, state, past=past, differs=differs, wall=wall)
    for name in units.orphans:
        stem, _, area = name.rpartition(".")
        says = "is left over: no setting calls for it any more"
        yield Finding(area=area, name=stem, verdict=Verdict.BAD, says=says, mend=DEPLOY)
    for sentence in units.refused:
        mend = f"mend that, then {DEPLOY}"
        yield Finding(area="deploy", verdict=Verdict.BAD, says=sentence, mend=mend)


def _stopped_finding(target: UnitState, others: int, wall: Wall) -> Finding:
    since = f" since {wall.toward(target.since_s)}" if target.since_s is not None else ""
    how = "stopped by hand" if since else "not started since boot"
    with_it = f"; with it {others} more unit{'s' * (others > 1)}"
    mend = f"systemctl --user start {TARGET}"
    says = f"{how}{since}{with_it}"
    return Finding(area="target", name="ccmux", verdict=Verdict.BAD, says=says, mend=mend)


def other_finding(starting: Starting) -> Finding:
    """Say that what is deployed for this user is another project."""
    says = f"the deployment of this user is that of {starting.other}"
    return Finding(area="deploy", verdict=Verdict.BAD, says=says, mend=starting.instead)


def session_finding(session: str, problem: str) -> Finding:
    """Say whether the tmux session is there; `problem` "" or what tmux says."""
    if not problem:
        return Finding(area="tmux", name=session, says="the session is there")
    mend = f"the daemon builds it again by itself; if not: systemctl --user restart {DAEMON}"
    return Finding(area="tmux", name=session, verdict=Verdict.BAD, says=problem, mend=mend)


def silent_finding(reason: str, mend: str) -> Finding:
    """Say that the daemon does not answer, where units should have it run."""
    return Finding(area="daemon", verdict=Verdict.BAD, says=f"it does not answer: {reason}", mend=mend)


def claude_finding(status: Mapping[str, Any], *, lives: bool) -> Finding:
    """Say what Claude does; `lives` whether the process that the daemon takes for it is there."""
    judged = replace(judge_claude(status).finding, area="claude", name="")
    pid = status.get("pid")
    if not pid or not lives:
        gone = f"its process {pid} is gone" if pid else "no process"
        mend = judged.mend or "ccmux starts it again by itself; ccmux attach shows what it said"
        return replace(judged, verdict=Verdict.BAD, says=f"{judged.says}, {gone}", mend=mend)
    held_s = float(status.get("held_s") or 0)
    held = f", held for {age(held_s)}" if judged.verdict is not Verdict.OK else ""
    return replace(judged, says=f"{judged.says}, pid {pid}{held}")


def proxy_address(url: str) -> tuple[str, int] | None:
    """Return host and port of `[claude] proxy`, None where it names none; never what else is in it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    if port is None:
        port = _DEFAULT_PORTS.get(parts.scheme, _SOCKS_PORT)
    return host, port


def proxy_finding(address: tuple[str, int] | None, problem: str) -> Finding:
    """Say whether the proxy of Claude's answers; `problem` "" or why it does not."""
    change = "change [claude] proxy in ccmux.toml"
    if address is None:
        says = "[claude] proxy names no host and port"
        return Finding(area="proxy", verdict=Verdict.BAD, says=says, mend=change)
    host, port = address
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if problem:
        mend = f"start it, or {change}"
        return Finding(
            area="proxy", verdict=Verdict.BAD, says=f"{name} does not answer: {problem}", mend=mend
        )
    return Finding(area="proxy", says=f"{name} answers")


def health_finding(port: int, problem: str) -> Finding:
    """Say whether our own HTTP face answers on the port; `problem` "" or what came in its place."""
    if not problem:
        return Finding(area="port", says=f"127.0.0.1:{port}/healthz answers")
    says = f"127.0.0.1:{port}/healthz: {problem}"
    mend = "ccmux doctor says whose the port is; set another [mcp] port, or restart ccmux"
    return Finding(area="port", verdict=Verdict.BAD, says=says, mend=mend)


def relay_finding(where: str, problem: str) -> Finding:
    """Say whether our relay answers; `problem` "" or what came in its place."""
    if not problem:
        return Finding(area="relay", says=f"{where} answers")
    mend = f"set another [relay] port, or: systemctl --user restart {RELAY}"
    return Finding(area="relay", verdict=Verdict.BAD, says=f"{where}: {problem}", mend=mend)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, those first that need a person; else as they came."""
    order = (Verdict.BAD, Verdict.WARN, Verdict.OK)
    return sorted(findings, key=lambda finding: order.index(finding.verdict))
