"""Reads and replaces one file of the project's (`.mcp.json`). It never decides what stands in it.

A link is followed to its target, so a shared file stays a link; a reader sees the old text or the new one.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ccmux.core.errors import ProjectFileFailed


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
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}.ccmux")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(target)
    except OSError as error:
        new.unlink(missing_ok=True)
        _fail(path, "written", error)


def _fail(path: Path, done: str, error: OSError) -> NoReturn:
    raise ProjectFileFailed(str(path), f"cannot be {done}: {error.strerror}") from error
