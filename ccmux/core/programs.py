"""Decides which program a unit starts, and on which PATH: absolute, and the same whoever deploys from where.

It never looks at a disk itself: the caller says what lies at a path.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

USUAL_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""What every unit's PATH ends with."""

_PASSING = ("/tmp", "/var/tmp", "/dev/shm", "/run/user", "/var/run/user", "/proc")  # noqa: S108 - nothing is put there
"""Not all of /run: NixOS has its programs in /run/current-system/sw/bin, and makes that at each boot."""


class Lies(Enum):
    """What lies at a path, links followed."""

    NOTHING = auto()
    FOLDER = auto()
    FILE = auto()
    PROGRAM = auto()
    """A file we may execute."""


Look = Callable[[str], Lies]


@dataclass(frozen=True, slots=True)
class NoProgram:
    """There is none to start; `says` is why, and what would do."""

    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Where programs are looked for; all paths absolute.

    Attributes:
        home: What "~/" stands for.
        project: The project's folder: relative paths begin here.
        checkout: ccmux's own folder: relative paths that the project does not have begin here.
        own_programs: Folder of ccmux's own programs.
        own_python: The Python that ccmux runs with.
        path: Folders for programs without a slash, first match wins.

    """

    home: str
    project: str
    checkout: str
    own_programs: str
    own_python: str
    path: tuple[str, ...]


def resolve(words: Sequence[str], grounds: Grounds, look: Look) -> tuple[str, ...] | NoProgram:
    """Return the words to start, the first one absolute.

    A .py file is run by Python whether or not it is executable: the project's (.venv/bin/python3) where it
    has one, ours for a script of ccmux's own.

    Args:
        words: A program and its arguments; at least one.
        grounds: Where to look.
        look: Says what lies at an absolute path.

    """
    name, *arguments = words
    places = _places(name, grounds)
    found = [(place, lies) for place in places if (lies := look(place)) is not Lies.NOTHING]
    if "/" not in name:  # the PATH has programs only
        found = [(place, lies) for place, lies in found if lies is Lies.PROGRAM]
    if not found:
        return NoProgram(_missing(name, places, grounds, look))
    place, lies = found[0]
    if lies is Lies.FOLDER:
        return NoProgram(f"{place} is a folder")
    if place.endswith(".py"):
        return (_python_for(place, grounds, look), place, *arguments)
    if lies is Lies.FILE:
        return NoProgram(f"{place} is not executable: chmod +x {shlex.quote(place)}")
    return (place, *arguments)


def unit_path(needed: Iterable[str], current: str) -> str:
    """Return the PATH of the units, each folder once, so that deploying again with it gives the same.

    Args:
        needed: Folders that must be on it, of Claude, of node; in front where they would not be on it.
        current: The PATH of who deploys, in its order; relative and passing entries are left out.

    """
    kept = [folder for folder in current.split(":") if folder.startswith("/") and not passes(folder)]
    usual = [posixpath.normpath(folder) for folder in (*kept, *USUAL_PATH)]
    missing = [folder for folder in map(posixpath.normpath, needed) if folder not in usual]
    return ":".join(dict.fromkeys(folder for folder in (*missing, *usual) if ":" not in folder))


def kept_path(fresh: str, deployed: str | None) -> str:
    """Return the PATH to deploy: the deployed one, as long as it has a fresh one's folders in their order.

    So who deploys from another shell, or looks whether all is deployed, does not renew every unit for it.
    """
    if deployed is None:
        return fresh
    folders = iter(deployed.split(":"))
    return deployed if all(folder in folders for folder in fresh.split(":")) else fresh


def path_of(unit: str) -> str | None:
    """Return the PATH in a unit's text, None where there is none or it is written with quotes."""
    found = re.search(r"^Environment=PATH=([\w@+=:,./-]+)$", unit, re.ASCII | re.MULTILINE)
    return found and found[1]


def passes(path: str) -> bool:
    """Whether this path is gone after a reboot: shells of version managers put such folders on the PATH."""
    return any(path == root or path.startswith(root + "/") for root in _PASSING)


def _places(name: str, grounds: Grounds) -> list[str]:
    """Return the absolute paths a program's name may mean, in order."""
    if name.startswith("~/"):
        return [posixpath.join(grounds.home, name[2:])]
    if name.startswith("/"):
        return [name]
    if "/" in name:
        roots = (grounds.project, grounds.checkout)
        return list(dict.fromkeys(posixpath.normpath(posixpath.join(root, name)) for root in roots))
    folders = [*grounds.path, grounds.own_programs]
    if name.startswith("ccmux"):  # another ccmux on the PATH is not the one that deploys
        folders.insert(0, grounds.own_programs)
    return [posixpath.join(folder, name) for folder in dict.fromkeys(folders)]


def _python_for(script: str, grounds: Grounds, look: Look) -> str:
    theirs = posixpath.join(grounds.project, ".venv/bin/python3")
    # Either folder may lie in the other: the inner one says whose it is. One for both is the project.
    around = [folder for folder in (grounds.checkout, grounds.project) if _is_in(script, folder)]
    if max(around, key=len, default="") == grounds.checkout != grounds.project:
        return grounds.own_python
    return theirs if look(theirs) is Lies.PROGRAM else grounds.own_python


def _is_in(path: str, folder: str) -> bool:
    return posixpath.commonpath([path, folder]) == folder


def _missing(name: str, places: Sequence[str], grounds: Grounds, look: Look) -> str:
    if "/" in name:
        return f"there is no {' and no '.join(places)}"
    beside = posixpath.join(grounds.project, name)
    if look(beside) in {Lies.FILE, Lies.PROGRAM}:
        return f"{name} is not on the PATH; the project's own file is written ./{name}"
    return f"{name} is neither on the PATH nor among ccmux's own programs in {grounds.own_programs}"
