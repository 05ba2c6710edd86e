"""Findings on paper: a table for a person, objects for a script. It judges nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from ccmux.cli.lines import mend_lines
from ccmux.cli.say import printable
from ccmux.core.findings import Finding, Verdict, all_well

_NARROWEST = 30
"""Text is not broken into shorter lines than this."""

_MEND = "      mend: "

_SIGNS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.BAD: "BAD "}


def as_table(findings: Sequence[Finding], *, columns: int | None = None) -> str:
    """Return one line a finding, below it what mends it, and the sum at the end.

    `columns` is the terminal's width: what was seen is broken to fit it. What mends it is broken between its
    commands alone: they are to be copied. Of findings in a row with one mend the last one shows it.
    """
    titles = [f"{finding.area} {finding.name}".rstrip() for finding in findings]
    width = max(map(len, titles), default=0)
    lines = []
    mends = [(title, finding.mend) for title, finding in zip(titles, findings, strict=True)]
    for title, finding, after in zip(titles, findings, [*mends[1:], None], strict=False):
        first, *rest = _broken(finding.says, None if columns is None else columns - width - 8)
        lines.append(f"{_SIGNS[finding.verdict]}  {title:{width}}  {first}")
        lines += [f"{'':{width + 8}}{more}" for more in rest]
        if finding.mend and (title, finding.mend) != after:
            first, *rest = mend_lines(finding.mend, None if columns is None else columns - len(_MEND))
            lines.append(f"{_MEND}{first}")
            lines += [f"{'':{len(_MEND)}}{more}" for more in rest]
    counts = {verdict: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    bad, warnings = counts[Verdict.BAD], counts[Verdict.WARN]
    if bad or warnings:
        lines.append(f"{bad} bad, {warnings} to know of, {counts[Verdict.OK]} ok")
    else:
        lines.append(f"all {len(findings)} ok")
    return printable("\n".join(lines), keep="\n")


def _broken(text: str, columns: int | None) -> list[str]:
    if columns is None or columns < _NARROWEST:
        return [text]
    return textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False) or [text]


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
