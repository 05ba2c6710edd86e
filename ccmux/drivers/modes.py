"""Reads what paths are and who may do what with them; and mends that on paths of ours, when asked."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection
from pathlib import Path

from ccmux.core.doctor.files import Entry, Kind, Tree

MOST_ENTRIES = 50_000
MOST_S = 2.0

_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.FOLDER,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
    stat.S_IFLNK: Kind.LINK,
}


def entry(path: Path | str) -> Entry | None:
    """Return what is at a path, a link not followed; None where nothing is.

    Raises:
        OSError: It cannot be looked at.

    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return _entry(os.fspath(path), found)


def tree(folder: Path, *, only: Collection[str] | None = None, deep: bool = True) -> Tree:
    """Return a folder and what is below it; links in it are not followed, the folder itself may be one.

    Args:
        folder: The folder.
        only: Names in it that are looked at, with all below them; None: all.
        deep: Whether what is in folders of it is looked at too.

    Raises:
        OSError: It cannot be looked at.

    """
    top = entry(folder)
    below: list[Entry] = []
    until_s = time.monotonic() + MOST_S
    folders = [os.fspath(folder)] if top is not None else []
    while folders:
        try:
            with os.scandir(folders.pop()) as names:
                for name in names:
                    if only is not None and name.name not in only:
                        continue
                    if len(below) >= MOST_ENTRIES or time.monotonic() > until_s:
                        return Tree(path=os.fspath(folder), top=top, below=tuple(below), complete=False)
                    try:
                        found = _entry(name.path, name.stat(follow_symlinks=False))
                    except FileNotFoundError:  # it went while we looked
                        continue
                    below.append(found)
                    if deep and found.kind is Kind.FOLDER:
                        folders.append(found.path)
                only = None
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            continue  # the folder itself is in the list: its owner or mode says why
    return Tree(path=os.fspath(folder), top=top, below=tuple(below))


def close_to_others(path: str, mode: int) -> None:
    """Set the mode of a file or folder of ours; what became a link or another's meanwhile is left alone.

    Raises:
        OSError: It is not ours, or is gone.

    """
    # O_PATH opens also what cannot be read, and a FIFO without a writer; chmod(2) follows the descriptor.
    opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(opened)
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(1, "it is not ours", path)
        Path(f"/proc/self/fd/{opened}").chmod(mode)
    finally:
        os.close(opened)


def make_folder(path: str, mode: int) -> None:
    """Make a folder, and those above it, with this mode.

    Raises:
        OSError: It cannot be made.

    """
    missing = [part for part in (Path(path), *Path(path).parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=mode, exist_ok=True)


def _entry(path: str, found: os.stat_result) -> Entry:
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), Kind.OTHER)
    return Entry(path=path, kind=kind, mode=stat.S_IMODE(found.st_mode), uid=found.st_uid)


__all__ = ["close_to_others", "entry", "make_folder", "tree"]
