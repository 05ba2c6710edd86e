"""Messages too long to be typed, as files of the owner's that Claude reads. It never deletes one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ccmux.core.messages import Message
from ccmux.files import replace_file


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
        replace_file(path, text.encode(), mode=0o600)
