"""The kernel's file events, by which drivers find what others make and change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Flag, auto
from typing import Protocol


class FileChange(Flag):
    """What happened to a name in a watched folder, or to the watched file itself."""

    APPEARED = auto()
    """Created, or moved in."""
    VANISHED = auto()
    """Deleted, or moved away."""
    WRITTEN = auto()
    """Its content changed."""
    CLOSED = auto()
    """Somebody who had it open for writing closed it."""
    OPENED = auto()
    """Somebody opened it."""
    SELF_GONE = auto()
    """The watched path itself was deleted or moved: the watch is over."""
    OVERFLOWED = auto()
    """The kernel dropped events: look at everything again."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """`name` is the name inside a watched folder, "" for the watched path itself."""

    name: str
    change: FileChange


class FileEvents(Protocol):
    """The kernel's file events (inotify(7)), for the running loop."""

    def watch(
        self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]
    ) -> AbstractContextManager[None]:
        """Call back in the loop for each wanted change below (folder) or of (file) `path`.

        SELF_GONE and OVERFLOWED are always told. Leaving the context ends the watch.

        Raises:
            FileNotFoundError: There is no such path.

        """
        ...
