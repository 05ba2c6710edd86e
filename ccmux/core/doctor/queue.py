"""What waits: dead letters, a pause that somebody forgot, answers nobody reads."""

from __future__ import annotations

from collections.abc import Mapping

from ccmux.core.doctor.diagnosis import Diagnosis, fine, warns
from ccmux.core.when import age

UNCERTAIN_MEND = "ccmux messages tells which; ccmux why ID why"


def judge_queue(counts: Mapping[str, int], *, paused: bool, paused_s: float | None) -> list[Diagnosis]:
    """Judge the queue.

    Args:
        counts: Messages by state.
        paused: Whether injection is paused.
        paused_s: For how long at least, None where nobody knows.

    """
    found = []
    if paused:
        since = "" if paused_s is None else f" for {age(paused_s)}"
        found.append(warns("queue", "pause", f"injection is paused{since}", "ccmux resume"))
    if dead := counts.get("dead", 0):
        says = f"{dead} could not be taken or delivered"
        found.append(warns("queue", "dead letters", says, "ccmux dead; then ccmux dead retry ID, or drop ID"))
    if uncertain := counts.get("uncertain", 0):
        says = f"of {uncertain} nobody knows yet whether Claude took them"
        found.append(warns("queue", "uncertain", says, UNCERTAIN_MEND))
    if not found:
        waiting = counts.get("queued", 0)
        found.append(fine("queue", "", f"{waiting} waiting, no dead letters" if waiting else "empty"))
    return found


def judge_outgoing(counts: Mapping[str, int]) -> list[Diagnosis]:
    """Judge answers of Claude's that wait for a reader, by channel."""
    return [
        warns(
            "queue", f"out.{channel}", f"{count} answers wait for a reader", f"start what reads out.{channel}"
        )
        for channel, count in counts.items()
        if count
    ]
