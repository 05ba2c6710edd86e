"""The settings as text: `ccmux.toml.example` and the first `ccmux.toml`, and what stands in them as examples.

It writes no file. Keys, defaults and meanings have one home, `core/settings`; this only sets them in type.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ccmux.core.settings import (
    NAMED_TABLES,
    TABLES,
    AdapterSettings,
    Settings,
    TaskSettings,
    TimerSettings,
    attribute,
)

_WORTH_GROUPING = 10_000

_INTRO = """\
# Settings of ccmux, read once when it starts, from the folder it is started in.
# Every key may be left out; the values here are the defaults. Unknown keys are refused.
"""


FIRST_TIMERS: Mapping[str, TimerSettings] = {
    "selfcheck": TimerSettings(
        description="Tells Claude what happened while ccmux was down",
        startup_delay="30s",
        exec=("scripts/startup_selfcheck.py",),
    )
}
"""The timers that a new `ccmux.toml` has."""

EXAMPLES = Settings(
    timers={
        "backup": TimerSettings(
            description="Copies the mail",
            schedule=("Mon..Fri 07:30", "Sat,Sun 10:00"),
            startup_delay="5min",
            exec=("scripts/backup", "--to", "/srv/my backups"),
            syslog="mail-backup",
            env={"LANG": "C.UTF-8"},
        ),
        "morning": TimerSettings(
            schedule=("07:00",),
            message="Good morning. What is on the calendar today?",
            channel="morning",
        ),
    },
    adapters={
        "door": AdapterSettings(
            description="Says who rings",
            exec=("/usr/local/bin/doorbell", "--follow"),
            env={"CHANNEL": "door"},
            syslog="doorbell",
            restart_delay=5,
        )
    },
    overseer_tasks={
        "bell": TaskSettings(command=("/usr/local/bin/doorbell", "--follow")),
        "tunnel": TaskSettings(
            command=("ssh", "-N", "-R", "9000:localhost:9000", "box"),
            env={"LANG": "C.UTF-8"},
            restart_delay=5,
            max_restart_delay=300,
            min_uptime=30,
            error_threshold=20,
            error_window=3600,
        ),
    },
)
"""What stands in every settings text as comments; the tables of each kind together have every key."""


def settings_text(settings: Settings) -> str:
    """Return a whole `ccmux.toml` with every key, its meaning above it; it parses to `settings`."""
    tables = [_table(name, getattr(settings, name)) for name in TABLES]
    named = [_named(name, getattr(settings, attribute(name))) for name in NAMED_TABLES]
    return _INTRO + "".join(tables + named)


def _table(name: str, values: Any) -> str:
    summary, meanings = _words(type(values))
    lines = ["", f"# {summary}", f"[{name}]"]
    for key in fields(values):
        lines += [f"# {line}" for line in meanings[key.name]]
        lines.append(f"{key.name} = {_toml(getattr(values, key.name))}")
    return "\n".join(lines) + "\n"


def _named(table: str, entries: Mapping[str, Any]) -> str:
    """Return the tables of one kind: what keys mean, what is set, and the examples as comments."""
    summary, meanings = _words(NAMED_TABLES[table])
    lines = ["", f"# [{table}.NAME]: {summary}"]
    width = max(map(len, meanings))
    for key, told in meanings.items():
        lines += [
            f"#   {name:{width}}  {line}" for name, line in zip([key, *[""] * len(told)], told, strict=False)
        ]
    for name, values in entries.items():
        lines += ["", *_entry(table, name, values)]
    for name, values in getattr(EXAMPLES, attribute(table)).items():
        lines += ["", *(f"# {line}" for line in _entry(table, name, values))]
    return "\n".join(lines) + "\n"


def _entry(table: str, name: str, values: Any) -> list[str]:
    lines = [f"[{table}.{name}]"]
    for key in fields(values):
        value = getattr(values, key.name)
        if value != getattr(type(values)(), key.name):
            lines.append(f"{key.name} = {_toml(_shortest(key.name, value))}")
    return lines


def _shortest(key: str, value: Any) -> Any:
    """Return a list as the string by which people would write it."""
    if key in {"exec", "command"}:
        return shlex.join(value)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


_ATTRIBUTE = re.compile(r" {8}(\w+): (.*)")


def _words(shape: type) -> tuple[str, dict[str, list[str]]]:
    """Return the first line of a table's docstring and the lines that tell each key."""
    # `python -OO` takes docstrings away: then the keys stand without words.
    lines = (shape.__doc__ or "").split("\n")
    meanings: dict[str, list[str]] = {key.name: [] for key in fields(shape)}
    current: list[str] = []
    for line in lines[1:]:
        if told := _ATTRIBUTE.fullmatch(line):
            current = meanings[told[1]]
            current.append(told[2])
        elif line.startswith(" " * 12):
            current.append(line.strip())
    return lines[0], meanings


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A TOML basic string takes all of JSON's escapes; only DEL must be escaped as well.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{name} = {_toml(text)}" for name, text in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"{value:_}" if value >= _WORTH_GROUPING else str(value)
