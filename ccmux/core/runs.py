"""The daemon's runs, and what they say of the times between them. It decides how a run ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One life of the daemon; all in epoch seconds.

    Attributes:
        started_at: When it began.
        alive_at: When it was last known to live.
        ended_at: When it ended in order; None: it runs, or it was killed.

    """

    started_at: float
    alive_at: float
    ended_at: float | None = None


def told_runs(runs: Sequence[Run], *, since: float | None) -> list[dict[str, Any]]:
    """Return the runs that lived at `since` or later, newest last, as control.sock tells them.

    `alive_before` is the last sign of the run before, None where none is known. `ended` says how the run
    itself ended: "stopped", "killed" (also by a crash or a power cut), None for the one that runs.

    Args:
        runs: Oldest first; the last is the one that asks.
        since: Epoch seconds; None tells of all.
    """
    told: list[dict[str, Any]] = []
    before: float | None = None
    for number, run in enumerate(runs, start=1):
        is_newest = number == len(runs)
        if since is None or run.alive_at >= since or is_newest:
            how = "stopped" if run.ended_at is not None else None if is_newest else "killed"
            told.append({"started_at": run.started_at, "alive_before": before, "ended": how})
        before = run.alive_at
    return told
