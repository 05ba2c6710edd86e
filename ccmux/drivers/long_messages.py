"""Messages too long to be typed, as files of the owner's that Claude reads. It never deletes one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from ccmux.core.messages import Message


class LongMessageFiles:
    """A folder of texts, one file a message, written durably before the message is typed."""

    def __init__(self, folder: Path) -> None:
        """`folder` is absolute; it is made (0700) with the first file."""
        self._folder = folder

    def path_for(self, message: Message) -> str:
        """Return the absolute path for a message's text."""
        return str(self._folder / f"message-{message.id}.txt")

    async def write(self, path: str, text: str) -> None:
        """Write the text, so that a power cut leaves all of it or none."""
        await asyncio.to_thread(self._write, Path(path), text)

    def _write(self, path: Path, text: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
