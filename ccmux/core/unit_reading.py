"""Reads what systemd's tools print, as plain values: units, timers, failures, reasons. It asks nobody.

All of it is printed with TZ=UTC and LC_ALL=C (measured on systemd 252, tests/systemd/test_manager.py).
`systemctl show --timestamp=unix` would be shorter, but leaves a timer's times as they are and is younger than
systemd 249; so times are read as "Fri 2026-11-20 17:00:00 UTC".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ccmux.core.unit_state import UnitState

SHOWN = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "PartOf",
    "Result",
    "ExecMainStatus",
    "MainPID",
    "NRestarts",
    "ActiveEnterTimestamp",
    "ActiveExitTimestamp",
    "InactiveEnterTimestamp",
    "NeedDaemonReload",
)
"""The properties `read_units` reads."""

UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
"""MESSAGE_ID of "Failed with result"; it carries UNIT_RESULT (systemd, sd-messages.h)."""
START_FAILED = "be02cf6855d2428ba40df7e9d022f03d"
"""MESSAGE_ID of "Failed to start"; it carries JOB_RESULT, and is the only word of a unit that never ran."""

FAILURE_FIELDS = "MESSAGE_ID,USER_UNIT,UNIT_RESULT,JOB_RESULT"
"""What `read_failures` reads of a line, beside its time, which every line has."""

REASON_FIELDS = "MESSAGE,_PID"
"""What `read_reason` reads of a line."""

_CHANGES = ("ActiveEnterTimestamp", "ActiveExitTimestamp", "InactiveEnterTimestamp")


def read_units(text: str) -> list[UnitState]:
    """Return the units of `systemctl show -p SHOWN NAME ...`: one block each, in the order asked for."""
    return [_unit(block) for block in text.split("\n\n") if block.strip()]


def read_timers(text: str) -> dict[str, tuple[float | None, float | None]]:
    """Return (next, last) run in epoch seconds by timer, from `systemctl list-timers --all --output=json`."""
    return {
        row["unit"]: (_seconds(row.get("next")), _seconds(row.get("last")))
        for row in _rows(text)
        if isinstance(row.get("unit"), str)
    }


def with_timers(
    units: Iterable[UnitState], timers: Mapping[str, tuple[float | None, float | None]]
) -> list[UnitState]:
    """Return the units, each timer with its runs."""
    never = (None, None)
    runs = ((unit, timers.get(unit.name, never)) for unit in units)
    return [replace(unit, next_s=after, last_s=before) for unit, (after, before) in runs]


def read_failures(text: str) -> list[tuple[float, str, str]]:
    """Return (epoch seconds, unit, result) of each failure in `journalctl -o json`, oldest first.

    A start that failed with its unit is not told beside it; one that failed otherwise ("dependency") is.
    Lines of the system's own units are none of ours.
    """
    failures = []
    for line in text.split("\n"):
        for row in _rows(f"[{line}]"):
            unit, time_us = row.get("USER_UNIT"), row.get("__REALTIME_TIMESTAMP")
            result = row.get("UNIT_RESULT" if row.get("MESSAGE_ID") == UNIT_FAILED else "JOB_RESULT")
            if not (isinstance(unit, str) and isinstance(result, str) and isinstance(time_us, str)):
                continue
            if result != "failed":
                failures.append((int(time_us) / 1_000_000, unit, result))
    return failures


def read_reason(text: str, *, running: int) -> str:
    """Return why a program of ours ended, from `journalctl -o json` of what it printed, oldest line first.

    It is the last "ccmux: ..." of the run that ended last; "" where that said none: one that was killed has
    no last words, and those of a run before it are over. Several problems stand below it, indented, a line
    each. That is an error of ours, which tells no message and no secret; of other lines nobody knows.

    Args:
        text: The lines.
        running: The process that runs now, whose lines tell of no end; 0 is none.

    """
    rows = [row for line in text.split("\n") for row in _rows(f"[{line}]")]
    ended = [row for row in rows if row.get("_PID") != str(running)]
    last = [row.get("MESSAGE") for row in ended if row.get("_PID") == ended[-1].get("_PID")]
    printed = "\n".join(line for line in last if isinstance(line, str))
    found = re.findall(r"(?m)^ccmux(?:-deploy)?: (.+(?:\n  \S.*)*)$", printed)
    first, *problems = found[-1].split("\n  ") if found else [""]
    return f"{first} {'; '.join(problems)}".strip()


def read_next(text: str) -> float | None:
    """Return the next time of `systemd-analyze calendar` in epoch seconds, None for "never"."""
    # In another zone than UTC a line of its own tells the time in UTC.
    times = re.findall(r"(?m)^ *(?:Next elapse|\(in UTC\)): (.* UTC)$", text)
    return read_time(times[-1]) if times else None


def read_time(text: str) -> float | None:
    """Return epoch seconds of "Fri 2026-11-20 17:00:00 UTC", None for "" and "n/a"."""
    words = text.split()
    if len(words) != 4:
        return None
    return datetime.fromisoformat(f"{words[1]} {words[2]}").replace(tzinfo=UTC).timestamp()


def read_version(text: str) -> int | None:
    """Return 252 of "252.38-1~deb12u1" or "v256~rc3"; None where it says no number."""
    digits = text.strip().removeprefix("v").partition(".")[0].partition("~")[0].partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def _unit(block: str) -> UnitState:
    said = dict(line.partition("=")[::2] for line in block.strip().splitlines())
    changes = [at_s for name in _CHANGES if (at_s := read_time(said.get(name, ""))) is not None]
    return UnitState(
        name=said.get("Id", ""),
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        file_state=said.get("UnitFileState", ""),
        part_of=tuple(said.get("PartOf", "").split()),
        result=said.get("Result", "success"),
        exit_status=_number(said.get("ExecMainStatus", "")),
        pid=_number(said.get("MainPID", "")),
        restarts=_number(said.get("NRestarts", "")),
        since_s=max(changes, default=None),
        needs_reload=said.get("NeedDaemonReload") == "yes",
    )


def _number(text: str) -> int:
    """Return a number; a target has none of them and says nothing."""
    return int(text) if text.isascii() and text.isdecimal() else 0


def _seconds(time_us: object) -> float | None:
    """Return epoch seconds; both null and 0 are never."""
    return time_us / 1_000_000 if isinstance(time_us, int) and time_us > 0 else None


def _rows(text: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; what is none, or not even JSON, says nothing."""
    try:
        read = json.loads(text)
    except ValueError:
        return []
    return [row for row in read if isinstance(row, dict)] if isinstance(read, list) else []
