"""Whether the database is sound, and what waits in it while no daemon is there to tell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What was read, without writing, from a database file.

    Attributes:
        path: The file.
        bytes: Its size, with the log that belongs to it.
        failure: Why it cannot be read, in SQLite's words; "" where it can. Then nothing below is known.
        schema: The number of steps its schema has taken.
        damage: What the integrity check found first; "" nothing.
        checked: False where the check took too long to be finished.
        newest_event: When its newest event was written, epoch seconds; None where there is none.
        counts: Messages by state that wait or are dead.
        paused: Whether injection is paused.
        backups: Copies of it as it was before its tables were changed, newest first.

    """

    path: str
    bytes: int = 0
    failure: str = ""
    schema: int = 0
    damage: str = ""
    checked: bool = True
    newest_event: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    paused: bool = False
    backups: tuple[str, ...] = ()


def judge_database(facts: DatabaseFacts | None, *, schema: int) -> list[Diagnosis]:
    """Judge the database, None: there is none yet; `schema` is the number this ccmux knows."""
    if facts is None:
        return [fine("database", "", "none yet; the first start makes it")]
    quoted = shlex.quote(facts.path)
    restore = "stop ccmux, " + (
        f"put a backup in its place: {shlex.quote(facts.backups[0])}"
        if facts.backups
        else f"move it aside: mv {quoted} {quoted}.damaged"
    )
    if facts.failure:
        return [ails("database", "", f"{facts.path} cannot be read: {facts.failure}", restore)]
    if facts.damage:
        return [ails("database", "", f"{facts.path} is damaged: {facts.damage}", restore)]
    if facts.schema > schema:
        says = f"a newer ccmux wrote it (schema {facts.schema}, this one knows {schema})"
        return [ails("database", "", says, "upgrade ccmux, or put the backup of before the upgrade back")]
    kept = f"; {len(facts.backups)} backups" if facts.backups else ""
    older = f", brought to {schema} at the next start" if facts.schema < schema else ""
    says = f"{facts.bytes / 10**6:.1f} MB, schema {facts.schema}{older}{kept}"
    if not facts.checked:
        mend = f"when ccmux is stopped: sqlite3 {quoted} 'PRAGMA quick_check'"
        return [warns("database", "", f"{says}; too large to be checked in passing", mend)]
    return [fine("database", "", f"{says}; sound")]
