"""The settings as text: `ccmux.toml.example` and the first `ccmux.toml`.

It writes no file. Keys, defaults and meanings have one home, `core/settings`; this only sets them in type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ccmux.core.settings import TABLES, Settings

_WORTH_GROUPING = 10_000

_INTRO = """\
# Settings of ccmux, read once when it starts, from the folder it is started in.
# Every key may be left out; the values here are the defaults. Unknown keys are refused.
"""


def settings_text(settings: Settings) -> str:
    """Return a whole `ccmux.toml` with every key, its meaning above it; it parses to `settings`."""
    return _INTRO + "".join(_table(name, getattr(settings, name)) for name in TABLES)


def _table(name: str, values: Any) -> str:
    summary, meanings = _words(type(values))
    lines = ["", f"# {summary}", f"[{name}]"]
    for key in fields(values):
        lines += [f"# {line}" for line in meanings[key.name]]
        lines.append(f"{key.name} = {_toml(getattr(values, key.name))}")
    return "\n".join(lines) + "\n"


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
