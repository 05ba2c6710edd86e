"""What a value may be: one small check a kind of value, made of smaller ones.

A check returns the value to keep or `Refused`; it never repeats a value that may be a secret. Patterns are
compiled when they are needed: every `ccmux send` reads the settings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

NAME_RULE = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

_LONGEST_DIR = 90
"""Bytes. A Unix socket's path ends at 107 (unix(7)); the longest name of ours below it is `/control.sock`."""


class Refused:  # no dataclass: it is made at every start, and rarely used
    """A value that cannot be; `says` goes on after the key's name: "must be ..."."""

    __slots__ = ("says",)

    def __init__(self, says: str) -> None:
        self.says = says


Check = Callable[[Any], Any]
"""Return the value to keep, or Refused."""


def kind(value: object) -> str:
    """Return what a value is, in words, without the value."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else "a date or time")


# ------------------------------------------------------------------------------------------- strings


def one_line(value: object) -> object:
    """Take a string of one line."""
    if not isinstance(value, str):
        return Refused(f"must be a string, it is {kind(value)}")
    if "\0" in value or "\n" in value:
        return Refused("must be one line without NUL")
    return value


def matching(rule: str, says: str) -> Check:
    """Take a string that the pattern matches as a whole."""

    def check(value: object) -> object:
        text = one_line(value)
        if isinstance(text, str) and re.fullmatch(rule, text) is None:
            return Refused(says)
        return text

    return check


def folder(value: object) -> object:
    """Take a directory that has room for a socket's name."""
    path = one_line(value)
    if isinstance(path, str):
        if not (path.startswith(("/", "~/")) or path == "~"):
            return Refused("must be an absolute path or start with ~/")
        if len(path.encode()) > _LONGEST_DIR:
            return Refused(f"is too long for a socket's path: at most {_LONGEST_DIR} bytes")
    return path


def file_path(value: object) -> object:
    """Take a file's path; "" is none."""
    path = one_line(value)
    if isinstance(path, str) and path and not path.startswith(("/", "~/")):
        return Refused("must be an absolute path or start with ~/")
    return path


def host(value: object) -> object:
    """Take a name or an address to listen on."""
    return matching("[A-Za-z0-9:._%-]+", "must be a name or an address: 127.0.0.1, ::, example.com")(value)


def origins(value: object) -> object:
    """Take a list of origins as browsers write them."""
    from ccmux.core.visitors import read_origin  # noqa: PLC0415 - most commands need no network addresses

    return _each(value, read_origin, 'must be a list of sites: ["https://blog.example.com"], or ["*"]')


def networks(value: object) -> object:
    """Take a list of addresses and networks."""
    from ccmux.core.visitors import read_networks  # noqa: PLC0415

    return _each(
        value,
        lambda word: str(read_networks([word])[0]),
        'must be a list of addresses or networks: ["127.0.0.1", "10.0.0.0/8"]',
    )


def _each(value: object, read: Callable[[str], str], says: str) -> object:
    taken = words(value)
    if isinstance(taken, tuple):
        try:
            for word in taken:
                read(word)
        except ValueError:
            return Refused(says)
    return taken


# ------------------------------------------------------------------------------------------- numbers


def number(says: str, *, least: float = 0, above: float | None = None, most: float = math.inf) -> Check:
    """Take a finite number; `says` names what it counts and its range."""

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Refused(f"must be {says}, it is {kind(value)}")
        if not math.isfinite(value) or not least <= value <= most or (above is not None and value <= above):
            return Refused(f"must be {says}, it is {value}")
        return value

    return check


def whole(least: int, most: int) -> Check:
    """Take a whole number of this range."""
    says = f"a whole number from {least:_} to {most:_}"

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            return Refused(f"must be {says}, it is {kind(value)}")
        return value if least <= value <= most else Refused(f"must be {says}, it is {value}")

    return check


def yes_no(value: object) -> object:
    """Take true or false."""
    return value if isinstance(value, bool) else Refused(f"must be true or false, it is {kind(value)}")


# ------------------------------------------------------------------------------------------- programs


def words(value: object) -> object:
    """Take a list of strings."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return Refused('must be a list of strings: ["one", "two"]')
    if any("\0" in word for word in value):
        return Refused("must not hold a NUL")
    return tuple(value)


def command(value: object) -> object:
    """Take a list whose first word names a program."""
    taken = words(value)
    if isinstance(taken, tuple) and (not taken or not taken[0]):
        return Refused('must name a program: ["claude"]')
    return taken


_RESUMES = "ccmux itself chooses the session, by its id"
_ENDS = "Claude would not stay in its terminal"
_DEAF = "it takes away the hooks that ccmux hears Claude by"
_BREAKING = {
    "--resume": _RESUMES,
    "-r": _RESUMES,
    "--continue": _RESUMES,
    "-c": _RESUMES,
    "--session-id": _RESUMES,
    "--from-pr": _RESUMES,
    "--fork-session": "ccmux would follow a session that Claude has left",
    "--bare": _DEAF,
    "--safe-mode": _DEAF,
    "--restricted": _DEAF,
    "-p": _ENDS,
    "--print": _ENDS,
    "--bg": _ENDS,
    "--background": _ENDS,
    "--cloud": _ENDS,
    "--desktop": _ENDS,
    "--teleport": _ENDS,
    "-h": _ENDS,
    "--help": _ENDS,
    "-v": _ENDS,
    "--version": _ENDS,
    "--tmux": "it makes a tmux session of its own beside ours",
}
"""Arguments of Claude Code 2.1.329 that would break what ccmux does, each with the reason."""


def claude_arguments(value: object) -> object:
    """Take arguments of Claude Code's that leave ccmux able to lead it."""
    taken = words(value)
    if not isinstance(taken, tuple):
        return taken
    for word in taken:
        # `--resume=ID` and `-rID` are the same arguments, written together with their value.
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if name in _BREAKING:
            return Refused(f"must not hold {name}: {_BREAKING[name]}")
    return taken


def variables(value: object) -> object:
    """Take a table of environment variables."""
    if not isinstance(value, dict):
        return Refused('must be a table of strings: { NAME = "value" }')
    for name, text in value.items():
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) is None:
            return Refused(f"holds {name!r}, which cannot be a variable's name")
        if not isinstance(text, str):
            return Refused(f"holds {name}, which must be a string, it is {kind(text)}")
        if "\0" in text or "\n" in text:
            return Refused(f"holds {name}, which must be one line without NUL")
    return dict(value)
