"""Reads `ccmux.toml`. What may stand in it is decided in `core/settings`; nothing is written here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ccmux.core.errors import SettingsInvalid
from ccmux.core.settings import Problem, Settings, parse_settings

_AT_LINE = r" \(at line (\d+), column \d+\)| \(at end of document\)"


def read_settings(path: Path) -> Settings:
    """Return the settings of a file; one that does not exist means the defaults.

    Raises:
        SettingsInvalid: With every problem of the file.

    """
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsInvalid(str(path), [f"cannot be read: {error.strerror}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(str(path), [str(_syntax(str(error)))]) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem = Problem(line=line, where="the file", says="is not UTF-8 here")
        raise SettingsInvalid(str(path), [str(problem)]) from error
    read = parse_settings(table, text=text.replace("\r\n", "\n"))
    if isinstance(read, Settings):
        return read
    raise SettingsInvalid(str(path), [str(problem) for problem in read])


def _syntax(error: str) -> Problem:
    """Return tomllib's sentence as a problem; it puts the line in brackets at its end."""
    at = re.search(_AT_LINE, error)
    line = int(at[1]) if at and at[1] else None
    says = f"is not valid TOML: {re.sub(_AT_LINE, '', error)}"
    return Problem(line=line, where="the file", says=says if line else says + " (at its end)")
