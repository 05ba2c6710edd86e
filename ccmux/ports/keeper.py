"""Who holds the doors beyond the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Keeper(Protocol):
    """Holds FIFOs open beyond the daemon's death: a pipe's bytes go with its last descriptor."""

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what outlived the last daemon, by key, once; the descriptors are the caller's then."""
        ...

    def keep(self, key: str, fd: int) -> None:
        """Hold this FIFO too. Letters, digits, `.`, `_`, `-` and `~`; a key that is held stays as it is."""
        ...

    def drop(self, key: str) -> None:
        """Hold it no more."""
        ...


class NoKeeper:
    """Keeps nothing: the bytes in the pipes end with the daemon."""

    def kept(self) -> Sequence[tuple[str, int]]:
        return ()

    def keep(self, key: str, fd: int) -> None: ...

    def drop(self, key: str) -> None: ...
