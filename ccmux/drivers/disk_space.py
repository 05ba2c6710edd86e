"""Reads how full the file systems are that hold given paths: statvfs(3), mountinfo. Changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ccmux.core.doctor.disk import Space

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\(\d{3})")


def spaces(paths: Mapping[str, Path]) -> list[Space]:
    """Return the file systems below these paths, each once; the keys say what the paths hold.

    What does not exist yet is counted to where it would be made.

    Raises:
        OSError: One cannot be read.

    """
    mounts = _mounts()
    by_mount: dict[str, list[str]] = {}
    for holds, path in paths.items():
        real = os.path.realpath(path)
        mount = max((at for at in mounts if _is_in(real, at)), key=len, default="/")
        by_mount.setdefault(mount, []).append(holds)
    return [_space(", ".join(holds), mount, mounts.get(mount, "")) for mount, holds in by_mount.items()]


def _space(holds: str, mount: str, kind: str) -> Space:
    found = os.statvfs(mount)
    used = found.f_blocks - found.f_bfree
    return Space(
        holds=holds,
        mount=mount,
        kind=kind,
        total_bytes=(used + found.f_bavail) * found.f_frsize,
        free_bytes=found.f_bavail * found.f_frsize,
        inodes=found.f_files,
        inodes_free=found.f_favail,
    )


def _mounts() -> dict[str, str]:
    """Return the kind of file system of each mount point; of those on one point the last hides the others."""
    found: dict[str, str] = {}
    for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        before, _, behind = line.partition(" - ")
        point = _ESCAPED.sub(lambda code: chr(int(code[1], 8)), before.split(" ")[4])
        found[point] = behind.split(" ")[0]
    return found


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


__all__ = ["spaces"]
