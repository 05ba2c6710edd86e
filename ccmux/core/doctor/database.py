"""Whether the database is sound, and what waits in it while no daemon is there to tell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What was read, without writing, from a database file.

    Attributes:
        path: The file.
        bytes: Its size, with the log that belongs to it.
        failure: Why it cannot be read, in SQLite's words; "" where it can. Then only the backups are known.
        way_out: What may mend that.
        schema: The number of steps its schema has taken.
        damage: What the integrity check found first, or that it is no database at all; "" nothing.
        checked: False where the check took too long to be finished.
        newest_event: When its newest event was written, epoch seconds; None where there is none.
        counts: Messages by state that wait or are dead.
        paused: Whether injection is paused.
        backups: Copies of it as it was before its tables were changed, newest first, each with its schema.

    """

    path: str
    bytes: int = 0
    failure: str = ""
    way_out: str = ""
    schema: int = 0
    damage: str = ""
    checked: bool = True
    newest_event: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    paused: bool = False
    backups: Mapping[str, int] = field(default_factory=dict)


def put_back(path: str, backup: str) -> str:
    """Return the command that puts a backup in the place of the database that no daemon has open."""
    # A log that is left beside another file would be taken for that file's.
    here = shlex.quote(path)
    return f"rm -f {here}-wal {here}-shm && cp {shlex.quote(backup)} {here}"


def judge_database(facts: DatabaseFacts | None, *, schema: int) -> list[Diagnosis]:
    """Judge the database, None: there is none yet; `schema` is the number this ccmux knows."""
    if facts is None:
        return [fine("database", "", "none yet; the first start makes it")]
    usable = [backup for backup, number in facts.backups.items() if number <= schema]
    if facts.failure:
        return [ails("database", "", f"{facts.path} cannot be read: {facts.failure}", facts.way_out)]
    if facts.damage:
        return [ails("database", "", f"{facts.path} is damaged: {facts.damage}", _anew(facts.path, usable))]
    if facts.schema > schema:
        says = f"a newer ccmux wrote it (schema {facts.schema}, this one knows {schema})"
        lossy = f"; or lose what came since the upgrade: {put_back(facts.path, usable[0])}" if usable else ""
        return [ails("database", "", says, f"upgrade ccmux{lossy}")]
    count = len(facts.backups)
    kept = f"; {count} backup{'s' * (count > 1)}" if count else ""
    older = f", brought to {schema} at the next start" if facts.schema < schema else ""
    says = f"{facts.bytes / 10**6:.1f} MB, schema {facts.schema}{older}{kept}"
    if not facts.checked:
        mend = f"when ccmux is stopped: sqlite3 {shlex.quote(facts.path)} 'PRAGMA quick_check'"
        return [warns("database", "", f"{says}; too large to be checked in passing", mend)]
    return [fine("database", "", f"{says}; sound")]


def _anew(path: str, usable: Sequence[str]) -> str:
    """Return how a damaged database and its log are moved away, and what may take their place."""
    here, away = shlex.quote(path), shlex.quote(str(PurePath(path).with_name("damaged")))
    begins = f"ccmux stop; mkdir -p {away} && mv {here}* {away}/; then start ccmux: it begins an empty one"
    if not usable:
        return begins
    return f"{begins}; or first put back the one of before the upgrade: cp {shlex.quote(usable[0])} {here}"
