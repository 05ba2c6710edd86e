"""Judges a run: what was handed over, what Claude was asked, what came out. It looks and counts, no more.

Lost: handed over (write(2) returned, `ccmux send` exited 0), and Claude was never asked. Doubled: asked more
than once. Both by the transcripts, which Claude writes itself.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = re.compile(r"n-([a-z]+)-(\d{6})-end")


@dataclass(slots=True)
class Row:
    """One kind of fault. A message belongs to the fault that was going on when it was handed over."""

    faults: int = 0
    sent: int = 0
    received: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    out_lost: list[str] = field(default_factory=list)
    out_doubled: list[str] = field(default_factory=list)
    out_repeated: list[str] = field(default_factory=list)
    """The same line with the same `id` came twice: a reader that minds ids drops it."""


@dataclass(slots=True)
class Verdict:
    """All rows by kind of fault, and what is wrong with the whole."""

    rows: dict[str, Row]
    wrong: list[str]

    @property
    def is_good(self) -> bool:
        return not self.wrong and not any(
            row.lost or row.doubled or row.disordered or row.out_lost or row.out_doubled
            for row in self.rows.values()
        )

    def table(self) -> str:
        """Return the table as text, and the names of what went wrong."""
        heads = ("fault", "times", "sent", "on disk", "answered", "lost", "doubled", "disordered",
                 "out lost", "out doubled", "out repeated")  # fmt: skip
        total = Row()
        lines = [_cells(kind, row) for kind, row in sorted(self.rows.items())]
        for row in self.rows.values():
            for name in Row.__dataclass_fields__:
                setattr(total, name, getattr(total, name) + getattr(row, name))
        lines.append(_cells("all", total))
        widths = [max(len(line[at]) for line in [heads, *lines]) for at in range(len(heads))]
        text = [
            "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in
                      enumerate(zip(line, widths, strict=True)))
            for line in [heads, *lines]
        ]  # fmt: skip
        for what in ("lost", "doubled", "disordered", "out_lost", "out_doubled"):
            text += [f"{what}: {name}" for name in getattr(total, what)]
        return "\n".join([*text, *self.wrong])


def judge(
    *,
    faults: Mapping[str, str],
    ledgers: Iterable[Path],
    prompts: Sequence[str],
    transcripts: Iterable[Path],
    out_ledger: Path,
    database: Path,
    events: Sequence[Mapping[str, Any]],
) -> Verdict:
    """Compare what writers handed over with what Claude was asked, and tool calls with what a reader got.

    Args:
        faults: Kind of fault by period.
        ledgers: The writers'.
        prompts: What Claude was asked, in order.
        transcripts: The files, for the tool calls that were answered with ok.
        out_ledger: What the reader of the output FIFO read.
        database: The daemon's, for what was received.
        events: The whole event log.
    """
    rows: dict[str, Row] = defaultdict(Row)
    for kind in faults.values():
        rows[kind].faults += 1
    tried, sent = _handed_over(ledgers)
    asked = [match[0] for prompt in prompts for match in TOKEN.finditer(prompt)]
    times = Counter(asked)
    states = _states(database)
    period_of = tried | sent
    for mark, period in period_of.items():
        row = rows[faults[period]]
        row.sent += mark in sent
        row.received += mark in states
        row.answered += states.get(mark) == "answered"
        if mark in sent and not times[mark]:
            row.lost.append(f"{mark} (period {period}, {states.get(mark, 'never received')})")
        if times[mark] > 1:
            row.doubled.append(f"{mark} (period {period}, {times[mark]} times)")
    for mark in _disordered(asked):
        rows[faults[period_of[mark]]].disordered.append(mark)
    _judge_outbox(rows, faults, period_of, _told(transcripts), out_ledger)
    return Verdict(rows=dict(rows), wrong=_wrong_events(events))


def _handed_over(ledgers: Iterable[Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the period of each token that was tried, and of each that was sent."""
    tried: dict[str, str] = {}
    sent: dict[str, str] = {}
    for path in ledgers:
        for line in path.read_text().splitlines():
            verb, period, mark = line.split()
            (sent if verb == "sent" else tried)[mark] = period
    return tried, sent


def _states(database: Path) -> dict[str, str]:
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT content, state FROM message ORDER BY id").fetchall()
    finally:
        db.close()
    return {match[0]: state for content, state in rows if (match := TOKEN.search(content))}


def _disordered(asked: Sequence[str]) -> list[str]:
    """Return the tokens that came behind a later one of the same writer; repeats do not count."""
    highest: dict[str, int] = {}
    late = []
    seen = set()
    for mark in asked:
        match = TOKEN.fullmatch(mark)
        assert match is not None
        writer, number = match[1], int(match[2])
        if mark not in seen and number < highest.get(writer, -1):
            late.append(mark)
        seen.add(mark)
        highest[writer] = max(number, highest.get(writer, -1))
    return late


def _told(transcripts: Iterable[Path]) -> list[str]:
    """Return the tokens of the tool calls that were answered with ok."""
    calls: dict[str, str] = {}
    told = []
    for path in transcripts:
        for line in path.read_text().splitlines():
            content = json.loads(line).get("message", {}).get("content")
            for block in content if isinstance(content, list) else []:
                if block.get("type") == "tool_use" and (match := TOKEN.search(json.dumps(block["input"]))):
                    calls[block["id"]] = match[0]
                elif block.get("type") == "tool_result" and block.get("tool_use_id") in calls:
                    answer = json.dumps(block.get("content"))
                    if "ok" in answer and not block.get("is_error"):
                        told.append(calls[block["tool_use_id"]])
    return told


def _judge_outbox(
    rows: Mapping[str, Row],
    faults: Mapping[str, str],
    period_of: Mapping[str, str],
    told: Sequence[str],
    out_ledger: Path,
) -> None:
    ids: dict[str, list[str]] = defaultdict(list)
    for line in out_ledger.read_text().splitlines() if out_ledger.exists() else []:
        if line:  # an empty one leads where a reader left in the middle of a line
            got = json.loads(line)
            ids[got["message"]].append(got["id"])
    for mark in told:
        if mark not in ids:
            rows[faults[period_of[mark]]].out_lost.append(mark)
    calls = Counter(told)
    for mark, got in ids.items():
        row = rows[faults[period_of[mark]]]
        if len(set(got)) > max(1, calls[mark]):
            row.out_doubled.append(mark)
        if len(got) > len(set(got)):
            row.out_repeated.append(mark)


def _wrong_events(events: Sequence[Mapping[str, Any]]) -> list[str]:
    wrong = []
    numbers = [event["seq"] for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append("events: the numbers do not grow by one")
    turns = Counter(event["prompt_id"] for event in events if event["type"] == "turn")
    wrong += [f"events: turn {turn} was told {count} times" for turn, count in turns.items() if count > 1]
    return wrong


def _cells(kind: str, row: Row) -> tuple[str, ...]:
    lists = (row.lost, row.doubled, row.disordered, row.out_lost, row.out_doubled, row.out_repeated)
    counts = (row.faults, row.sent, row.received, row.answered, *map(len, lists))
    return (kind, *(str(count) for count in counts))
