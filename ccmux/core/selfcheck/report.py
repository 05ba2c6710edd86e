"""The self-check's message, and what is kept of it for the next one.

The message is one line for a FIFO, cut so that the pipe takes it whole (PIPE_BUF, pipe(7)).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ccmux.core.findings import Finding, Verdict
from ccmux.core.selfcheck.happened import is_worth_telling
from ccmux.core.verify import worst_first
from ccmux.core.when import Wall

CHANNEL = "selfcheck"

LINE_BYTES = 4_096
"""PIPE_BUF on Linux: so much, newline included, is written whole or not at all."""

LONGEST_CHARS = 400
"""Of one sentence: what another program said may be long."""

MOST_TOLD = 50
"""Nobody acts on more at once."""

_VERSION = 1
_SIGNS = {Verdict.BAD: "BAD", Verdict.WARN: "note", Verdict.OK: "ok"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """What is remembered of the self-check before.

    Attributes:
        at_s: When it was; epoch seconds.
        seq: Number of the newest event it knew of.
        told: Area, name and verdict of what it told of.
        timers: The timers there were then, by their names without kind.

    """

    at_s: float
    seq: int
    told: frozenset[tuple[str, str, str]]
    timers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is told.

    Attributes:
        at_s: Now; epoch seconds.
        since_s: Of the last self-check; None: this is the first.
        findings: All that is not well, the worst first.
        seq: Number of the newest event that was known of.
        timers: The timers there are, by their names without kind.

    """

    at_s: float
    since_s: float | None
    findings: tuple[Finding, ...]
    seq: int
    timers: tuple[str, ...]

    @property
    def key(self) -> str:
        """The message's own id: sent again, on whatever way, it is taken once."""
        return f"selfcheck-{self.at_s:.3f}"


def report_of(
    findings: Iterable[Finding], *, at_s: float, last: LastCheck | None, seq: int, timers: Iterable[str] = ()
) -> Report:
    """Return what is to be told of all that was found."""
    since_s = None if last is None else last.at_s
    told = tuple(worst_first(filter(is_worth_telling, findings)))
    return Report(at_s=at_s, since_s=since_s, findings=told, seq=seq, timers=tuple(timers))


def line_of(report: Report, *, last: LastCheck | None, wall: Wall) -> bytes:
    """Return the message as one line of a FIFO's, at most LINE_BYTES; what has no room is counted."""
    told = frozenset[tuple[str, str, str]]() if last is None else last.told
    fewer = range(min(len(report.findings), MOST_TOLD), -1, -1)
    lines = (_line(report, _content(report, shown=shown, told=told, wall=wall)) for shown in fewer)
    return next(line for line in lines if len(line) <= LINE_BYTES)


def _line(report: Report, content: str) -> bytes:
    fields = {"channel": CHANNEL, "content": content, "ts": round(report.at_s, 3), "id": report.key}
    return _encoded(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def _content(report: Report, *, shown: int, told: frozenset[tuple[str, str, str]], wall: Wall) -> str:
    since = "" if report.since_s is None else f" since {wall.toward(report.since_s)}"
    bad = sum(finding.verdict is Verdict.BAD for finding in report.findings)
    notes = len(report.findings) - bad
    if not report.findings:
        return f"Self-check: all is well{since}."
    counted = ", ".join(f"{count} {word}" for count, word in ((bad, "bad"), (notes, "to know of")) if count)
    lines = [f"Self-check: {counted}{since}."]
    for finding in report.findings[:shown]:
        # A note tells of something that happened: it does not happen still.
        still = "still " if finding.verdict is Verdict.BAD and _mark(finding) in told else ""
        title = f"{finding.area} {finding.name}".rstrip()
        lines.append(f"{_SIGNS[finding.verdict]}: {still}{title}: {_short(finding.says)}")
        if finding.mend:
            lines.append(f"  mend: {_short(finding.mend)}")
    if rest := len(report.findings) - shown:
        lines.append(f"{rest} more: ccmux doctor")
    return "\n".join(lines)


def _short(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= LONGEST_CHARS else line[: LONGEST_CHARS - 1] + "…"


def _mark(finding: Finding) -> tuple[str, str, str]:
    return finding.area, finding.name, finding.verdict.value


def remembered(report: Report) -> bytes:
    """Return what is kept of a report: for the next one, and for whoever wants to read it."""
    kept: dict[str, Any] = {
        "version": _VERSION,
        "at": round(report.at_s, 3),
        "since": report.since_s,
        "seq": report.seq,
        "ok": all(finding.verdict is not Verdict.BAD for finding in report.findings),
        "timers": report.timers,
        "findings": [asdict(finding) for finding in report.findings],
    }
    return _encoded(json.dumps(kept, ensure_ascii=False, indent=1))


def _encoded(text: str) -> bytes:
    # A path may hold bytes that are no text; in JSON they become an escape.
    return text.encode(errors="backslashreplace") + b"\n"


def last_check(text: str) -> LastCheck | None:
    """Return what is remembered; None where nothing is, or what is there cannot be read."""
    try:
        kept = json.loads(text)
        told = [(str(one["area"]), str(one["name"]), str(one["verdict"])) for one in kept["findings"]]
        return LastCheck(
            at_s=float(kept["at"]),
            seq=int(kept["seq"]),
            told=frozenset(told),
            timers=frozenset(map(str, kept["timers"])),
        )
    except (ValueError, TypeError, KeyError):
        return None
