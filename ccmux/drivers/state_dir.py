"""Makes the folders of data and state: the owner's alone. It deletes nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ccmux.core.errors import StateDirUnsafe


def make_private(*folders: Path) -> None:
    """Make each folder that is missing, and those above it, 0700; refuse one that is open to others.

    Raises:
        StateDirUnsafe: It cannot be made, belongs to somebody else, or others may enter it.
    """
    for folder in folders:
        try:
            missing = [part for part in (folder, *folder.parents) if not part.exists()]
            for part in reversed(missing):
                part.mkdir(mode=0o700, exist_ok=True)
            found = folder.stat()
        except OSError as error:
            way_out = "make room for it, or set CCMUX_DATA_DIR"
            raise StateDirUnsafe(str(folder), error.strerror or str(error), way_out) from error
        if found.st_uid != os.getuid():
            raise StateDirUnsafe(str(folder), "it belongs to somebody else", "set CCMUX_DATA_DIR")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise StateDirUnsafe(str(folder), "others may enter it", f"run: chmod 700 {folder}")
