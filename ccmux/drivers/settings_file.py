"""Reads `ccmux.toml` and keeps its text, unchanged. What may stand in it is decided in `core/settings`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from ccmux.core.errors import SettingsInvalid
from ccmux.core.settings import Problem, Settings, parse_settings, parse_what_fits
from ccmux.files import replace_file

_AT_LINE = r" \(at line (\d+), column \d+\)| \(at end of document\)"


def read_settings(path: Path) -> tuple[Settings, bytes | None]:
    """Return the settings of a file, and its text; without a file the defaults, and None.

    Raises:
        SettingsInvalid: With every problem of the file.

    """
    try:
        table, content = _parsed(path)
    except FileNotFoundError:
        return Settings(), None
    read = parse_settings(table, text=_text(content))
    if isinstance(read, Settings):
        return read, content
    raise SettingsInvalid(str(path), [str(problem) for problem in read])


def read_what_fits(path: Path) -> tuple[Settings, list[str]]:
    """Return a file's settings without what is wrong in them, never to be worked by, and all that is.

    Raises:
        SettingsInvalid: There is no such file, or none that can be read or is TOML.

    """
    try:
        table, content = _parsed(path)
    except FileNotFoundError as error:
        raise SettingsInvalid(str(path), ["there is no such file; write one: ccmux init"]) from error
    settings, problems = parse_what_fits(table, text=_text(content))
    return settings, [str(problem) for problem in problems]


def _parsed(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return what a file says, and its content. Raises FileNotFoundError and SettingsInvalid."""
    try:
        content = path.read_bytes()
        return tomllib.loads(content.decode()), content
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsInvalid(str(path), [f"cannot be read: {error.strerror}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(str(path), [str(_syntax(str(error)))]) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = Problem(line=line, where="the file", says="is not UTF-8 here")
        raise SettingsInvalid(str(path), [str(problem)]) from error


def _text(content: bytes) -> str:
    """Return a file's text, for the numbers of its lines."""
    return content.decode().replace("\r\n", "\n")


def keep_text(path: Path, content: bytes | None) -> None:
    """Keep the text of good settings, 0600; None: keep none. What is kept already is not written again.

    Raises:
        OSError: It cannot be written; what was kept before still is.

    """
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        replace_file(path, content, mode=0o600)


def _syntax(error: str) -> Problem:
    """Return tomllib's sentence as a problem; it puts the line in brackets at its end."""
    at = re.search(_AT_LINE, error)
    line = int(at[1]) if at and at[1] else None
    says = f"is not valid TOML: {re.sub(_AT_LINE, '', error)}"
    return Problem(line=line, where="the file", says=says if line else says + " (at its end)")
