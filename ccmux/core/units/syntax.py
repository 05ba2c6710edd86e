r"""How values are written into a unit file, so that systemd reads back exactly what they were.

Sources: systemd.syntax(7), systemd.service(5) "COMMAND LINES", systemd.exec(5) Environment= and
StandardInputText=, and what systemd 252 does with them (tests/systemd/test_quoting.py). In all of them `%`
begins a specifier; in commands, variables and input `\` begins an escape; a `\` at a line's end takes the
next line in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ccmux.core.errors import UnitUnfit
from ccmux.core.settings.named import cannot_be_in_a_unit

_BEGIN, _END = "# Made by ccmux-deploy from ", "; edits are lost, change that file instead"

_BARE = r"[A-Za-z0-9_@+=:,./-]+"


def unit(config: Path, sections: Mapping[str, Iterable[str]]) -> str:
    """Return a unit's text; its first line says whose it is."""
    parts = (f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())
    return f"{_BEGIN}{_fit(str(config))}{_END}\n\n" + "\n".join(parts)


def owner_of(text: str) -> str | None:
    """Return the settings file that a unit was made from; None where it is not ours."""
    first = text.partition("\n")[0]
    if not (first.startswith(_BEGIN) and first.endswith(_END)):
        return None
    return first[len(_BEGIN) : -len(_END)]


def plain(key: str, value: str) -> str:
    """Return the setting of a value that systemd takes as it stands."""
    return f"{key}={_no_specifier(_fit(value))}"


def folder(key: str, path: Path) -> str:
    """Return the setting of a folder."""
    value = str(path)
    # systemd drops white space at the end and takes a backslash there for a line that goes on.
    return plain(key, value + "/" if value[-1] in " \\" else value)


def environment(variables: Mapping[str, str]) -> list[str]:
    """Return the settings of environment variables, a line each."""
    return [f"Environment={_word(f'{name}={value}')}" for name, value in variables.items()]


def standard_input(text: str) -> list[str]:
    r"""Return the settings that give a program this line to read, and a line's end."""
    # systemd drops blanks at both ends before it reads escapes, specifiers after that.
    kept = re.sub("^ | $", r"\\x20", _no_specifier(_fit(text)).replace("\\", "\\\\"))
    return ["StandardInput=data", f"StandardInputText={kept}"]


def command(key: str, argv: Sequence[str]) -> str:
    """Return the setting of a command, whose program is an absolute path.

    `:` keeps systemd from putting variables in. It refuses a program with quotes or a backslash in its path:
    that one is called by a shell, which systemd's process then becomes.
    """
    if re.search(r"[\"'\\]", argv[0]):
        argv = ("/bin/sh", "-c", 'exec "$@"', "sh", *argv)
    return f"{key}=:" + " ".join(map(_word, argv))


def _word(text: str) -> str:
    word = _no_specifier(_fit(text))
    if re.fullmatch(_BARE, word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _no_specifier(text: str) -> str:
    return text.replace("%", "%%")


def _fit(text: str) -> str:
    if cannot_be_in_a_unit(text):
        raise UnitUnfit(text)
    return text
