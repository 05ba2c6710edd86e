"""Findings on paper: a table for a person, objects for a script. It judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccmux.cli.say import printable
from ccmux.core.findings import Finding, Verdict, all_well

_SIGNS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.BAD: "BAD "}


def as_table(findings: Sequence[Finding]) -> str:
    """Return one line a finding, below it what mends it, and the sum at the end."""
    titles = [f"{finding.area} {finding.name}".rstrip() for finding in findings]
    width = max(map(len, titles), default=0)
    lines = []
    for title, finding in zip(titles, findings, strict=True):
        lines.append(f"{_SIGNS[finding.verdict]}  {title:{width}}  {finding.says}")
        if finding.mend:
            lines.append(f"{'':{width + 8}}mend: {finding.mend}")
    counts = {verdict: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    bad, warnings = counts[Verdict.BAD], counts[Verdict.WARN]
    if bad or warnings:
        lines.append(f"{bad} bad, {warnings} to know of, {counts[Verdict.OK]} ok")
    else:
        lines.append(f"all {len(findings)} ok")
    return printable("\n".join(lines), keep="\n")


def as_object(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the same for `--json`: {"ok": bool, "findings": [{area, name, verdict, says, mend}]}."""
    return {
        "ok": all_well(findings),
        "findings": [
            {
                "area": finding.area,
                "name": finding.name,
                "verdict": str(finding.verdict),
                "says": finding.says,
                "mend": finding.mend,
            }
            for finding in findings
        ],
    }
