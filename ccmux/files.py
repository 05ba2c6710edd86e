"""Puts a whole file in the place of another at once. It never decides what stands in it, nor reads one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Put `content` in the file's place: a reader meets the old text or the new one, a power cut leaves one.

    A link stays a link and its target is renewed. For the moment of writing a hidden file stands beside the
    target: `.NAME.*.ccmux`.

    Args:
        path: The file, there or not; its folder is there.
        content: All of it.
        mode: Of a new file, less what the umask takes. One that is there keeps its own.

    Raises:
        OSError: The old file is as it was, and nothing stands beside it.

    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name}.{os.urandom(4).hex()}.ccmux")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _keep_names(target.parent)


def _keep_names(folder: Path) -> None:
    """Bring the folder's entries to the disk too: until then a power cut may give a name its old file."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
