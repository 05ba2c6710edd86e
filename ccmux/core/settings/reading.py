"""The reading: a parsed file to settings, or to everything that is wrong with it, each with its line.

It opens no file and never repeats a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ccmux.core.settings.checks import Refused, kind
from ccmux.core.settings.tables import TABLES, Settings

CONFIG_VARIABLE = "CCMUX_CONFIG"
"""The environment variable that names the settings file to who is told of no other."""

_Lines = Mapping[tuple[str, ...], int]
"""The first line of every table and key, counted from 1."""

_NAMED = ("timers", "adapters", "overseer.tasks")
"""Tables of tables that users name. Their module is loaded where there is one: most commands need none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in the file. `line` counts from 1, None where it has none; `where` is `[table] key`."""

    line: int | None
    where: str
    says: str

    def __str__(self) -> str:
        at = "" if self.line is None else f"line {self.line}: "
        return f"{at}{self.where} {self.says}"


def parse_settings(table: Mapping[str, Any], *, text: str) -> Settings | list[Problem]:
    """Return the settings of a parsed file, or everything that is wrong with it.

    Args:
        table: What `tomllib` made of the file.
        text: The file's text, for line numbers.

    """
    settings, problems = _read(table, {})
    return _read(table, _lines(text))[1] if problems else settings


def parse_what_fits(table: Mapping[str, Any], *, text: str) -> tuple[Settings, list[Problem]]:
    """Return settings without what is wrong in them, and all that is: for who looks on for more of it.

    Never to be worked by. What is left out has its default; a timer or adapter whose name cannot be, and an
    adapter whose program is doubtful, are left out whole.
    """
    return _read(table, _lines(text))


def project_name(settings: Settings, folder_name: str) -> str:
    """Return the project's name: as set, else the folder's, made to fit `NAME_RULE`."""
    if settings.project.name:
        return settings.project.name
    fitting = re.sub(r"[^A-Za-z0-9_-]", "-", folder_name).lstrip("-_")[:64]
    return fitting or "project"


# ------------------------------------------------------------------------------------------- tables


def _read(table: Mapping[str, Any], lines: _Lines) -> tuple[Settings, list[Problem]]:
    problems: list[Problem] = []
    parts: dict[str, Any] = {}
    for name, content in _tables(table):
        line = lines.get(tuple(name.split(".")))
        if name not in TABLES and name not in _NAMED:
            problems.append(_unknown_table(name, line=line))
        elif not isinstance(content, dict):
            problems.append(
                Problem(line=line, where=f"[{name}]", says=f"must be a table, it is {kind(content)}")
            )
        elif name in _NAMED:
            parts[name.replace(".", "_")], wrong = _read_named(name, content, lines)
            problems += wrong
        else:
            values, wrong = _read_table((name,), TABLES[name], content, lines)
            problems += wrong
            parts[name] = TABLES[name](**values)
    problems += _shared_names(table, lines)
    settings = Settings(**parts)
    if not problems and settings.recovery.backoff_cap < settings.recovery.backoff_initial:
        line = lines.get(("recovery", "backoff_cap"), lines.get(("recovery", "backoff_initial")))
        says = "must not be below backoff_initial"
        problems.append(Problem(line=line, where="[recovery] backoff_cap", says=says))
    if not problems and bool(settings.relay.certfile) != bool(settings.relay.keyfile):
        line = lines.get(("relay", "certfile"), lines.get(("relay", "keyfile")))
        says = "and keyfile must stand beside each other"
        problems.append(Problem(line=line, where="[relay] certfile", says=says))
    return settings, sorted(problems, key=lambda problem: problem.line or 0)


def _tables(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each table by its name, those in [overseer] as "overseer.NAME"."""
    for name, content in table.items():
        if name == "overseer" and isinstance(content, dict):
            yield from ((f"{name}.{inner}", one) for inner, one in content.items())
        else:
            yield name, content


def _read_table(
    path: tuple[str, ...], shape: type, content: Mapping[str, Any], lines: _Lines
) -> tuple[dict[str, Any], list[Problem]]:
    checks = {key.name: key.metadata["check"] for key in fields(shape)}
    values: dict[str, Any] = {}
    problems = []
    for key, value in content.items():
        kept = checks[key](value) if key in checks else _unknown_key(key, list(checks))
        if isinstance(kept, Refused):
            where = f"[{'.'.join(path)}] {key}"
            problems.append(Problem(line=lines.get((*path, key)), where=where, says=kept.says))
        else:
            values[key] = kept
    return values, problems


def _read_named(
    table: str, content: Mapping[str, Any], lines: _Lines
) -> tuple[dict[str, Any], list[Problem]]:
    from ccmux.core.settings.named import NAMED_TABLES, contradictions, unfit_name  # noqa: PLC0415 - see _NAMED

    shape = NAMED_TABLES[table]
    read: dict[str, Any] = {}
    problems = []
    for name, values in content.items():
        path = (*table.split("."), name)
        where, line = f"[{table}.{name}]", lines.get(path)
        if not isinstance(values, dict):
            says = f"must be a table of its own: [{table}.NAME], it is {kind(values)}"
            problems.append(Problem(line=line, where=f"[{table}] {name}", says=says))
            continue
        unfit = unfit_name(table, name)
        if unfit:
            problems.append(Problem(line=line, where=where, says=unfit))
        kept, wrong = _read_table(path, shape, values, lines)
        problems += wrong
        for key, says in contradictions(table, values):
            key_line = lines.get((*path, key), line)
            problems.append(Problem(line=key_line, where=f"{where} {key}".rstrip(), says=says))
        # An adapter without exec is the program of its own name: nobody may have meant that here.
        is_doubtful = (table == "adapters" and wrong and "exec" not in kept) or (
            table == "overseer.tasks" and not kept.get("command")
        )
        if not unfit and not is_doubtful:
            read[name] = shape(**kept)
    return read, problems


def _shared_names(table: Mapping[str, Any], lines: _Lines) -> Iterator[Problem]:
    timers, adapters = (_tables_in(table.get(name)) for name in ("timers", "adapters"))
    for name in timers:
        if name in adapters:
            says = f"must be named otherwise: [adapters.{name}] would be the same ccmux-{name}.service"
            yield Problem(line=lines.get(("timers", name)), where=f"[timers.{name}]", says=says)


def _tables_in(content: object) -> list[str]:
    return (
        [name for name, value in content.items() if isinstance(value, dict)]
        if isinstance(content, dict)
        else []
    )


def _unknown_key(key: str, known: list[str]) -> Refused:
    return Refused("is no setting" + _nearest(key, known))


def _unknown_table(name: str, *, line: int | None) -> Problem:
    homes = [table for table, shape in TABLES.items() if name in {key.name for key in fields(shape)}]
    if homes:
        return Problem(line=line, where=name, says=f"belongs into the table [{homes[0]}]")
    return Problem(line=line, where=f"[{name}]", says="is no table" + _nearest(name, [*TABLES, *_NAMED]))


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


# ------------------------------------------------------------------------------------------- lines

_HEADER = r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?"
_KEY = r"\s*([A-Za-z0-9_.\"' -]+?)\s*="


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the first line of every table and key. tomllib tells none, so they are looked for."""
    found: dict[tuple[str, ...], int] = {}
    for number, path in _paths(text):
        for depth in range(1, len(path) + 1):
            found.setdefault(path[:depth], number)
    return found


def _paths(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    in_long_string = False
    for number, line in enumerate(text.split("\n"), start=1):
        was_in_long_string = in_long_string
        if (line.count('"""') + line.count("'''")) % 2:
            in_long_string = not in_long_string
        if was_in_long_string:
            continue
        if header := re.fullmatch(_HEADER, line):
            table = _parts(header[1])
            yield number, table
        elif key := re.match(_KEY, line):
            yield number, table + _parts(key[1])


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
