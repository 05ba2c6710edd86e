"""Reads, replaces and removes one file, the project's or Claude's. It never decides what stands in it.

A link is followed to its target, so a shared file stays a link; a reader sees the old text or the new one.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from ccmux.core.errors import ProjectFileFailed
from ccmux.files import replace_file


def read(path: Path) -> bytes | None:
    """Return the file's content, or None where there is no file.

    Raises:
        ProjectFileFailed: It is there and cannot be read.

    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _fail(path, "read", error)


def replace(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put `content` in the file's place at once, with the old one's mode; a new one has `mode`.

    Raises:
        ProjectFileFailed: The old file is as it was.

    """
    try:
        replace_file(path, content, mode=mode)
    except OSError as error:
        _fail(path, "written", error)


def remove(path: Path) -> None:
    """Take the file away; a link stays.

    Raises:
        ProjectFileFailed: The file is as it was.

    """
    try:
        path.resolve().unlink(missing_ok=True)
    except OSError as error:
        _fail(path, "removed", error)


def _fail(path: Path, done: str, error: OSError) -> NoReturn:
    raise ProjectFileFailed(str(path), f"cannot be {done}: {error.strerror}") from error
