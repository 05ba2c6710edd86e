"""Reads `ccmux.toml`. What may stand in it is decided in `core/settings`; nothing is written here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from ccmux.core.errors import SettingsInvalid
from ccmux.core.settings import Problem, Settings, parse_settings, parse_what_fits

_AT_LINE = r" \(at line (\d+), column \d+\)| \(at end of document\)"


def read_settings(path: Path) -> Settings:
    """Return the settings of a file; one that does not exist means the defaults.

    Raises:
        SettingsInvalid: With every problem of the file.

    """
    try:
        table, text = _parsed(path)
    except FileNotFoundError:
        return Settings()
    read = parse_settings(table, text=text)
    if isinstance(read, Settings):
        return read
    raise SettingsInvalid(str(path), [str(problem) for problem in read])


def read_what_fits(path: Path) -> tuple[Settings, list[str]]:
    """Return a file's settings without what is wrong in them, never to be worked by, and all that is.

    Raises:
        SettingsInvalid: There is no such file, or none that can be read or is TOML.

    """
    try:
        table, text = _parsed(path)
    except FileNotFoundError as error:
        raise SettingsInvalid(str(path), ["there is no such file; write one: ccmux init"]) from error
    settings, problems = parse_what_fits(table, text=text)
    return settings, [str(problem) for problem in problems]


def _parsed(path: Path) -> tuple[dict[str, Any], str]:
    """Return a file's content, and its text. Raises FileNotFoundError and SettingsInvalid."""
    try:
        text = path.read_bytes().decode()
        return tomllib.loads(text), text.replace("\r\n", "\n")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsInvalid(str(path), [f"cannot be read: {error.strerror}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(str(path), [str(_syntax(str(error)))]) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem = Problem(line=line, where="the file", says="is not UTF-8 here")
        raise SettingsInvalid(str(path), [str(problem)]) from error


def _syntax(error: str) -> Problem:
    """Return tomllib's sentence as a problem; it puts the line in brackets at its end."""
    at = re.search(_AT_LINE, error)
    line = int(at[1]) if at and at[1] else None
    says = f"is not valid TOML: {re.sub(_AT_LINE, '', error)}"
    return Problem(line=line, where="the file", says=says if line else says + " (at its end)")
