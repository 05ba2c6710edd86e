"""Several keepers as one: the port `Keeper` where each of them holds all the FIFOs.

Each ends by another cause, so a pipe's bytes are lost only where all of them end. It knows nothing of what
they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ccmux.ports import Keeper


class Keepers:
    """The port Keeper on several of it."""

    def __init__(self, *keepers: Keeper) -> None:
        self._keepers = keepers

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what any of them kept, a pipe once, and let each hold what only another one did."""
        each = [keeper.kept() for keeper in self._keepers]
        kept: list[tuple[str, int]] = []
        for key, fd in (held for one in each for held in one):
            if any(key == known and _are_same(fd, other) for known, other in kept):
                os.close(fd)
            else:
                kept.append((key, fd))
        for keeper, one in zip(self._keepers, each, strict=True):
            keys = {key for key, _ in one}
            for key, fd in kept:
                if key not in keys:
                    keeper.keep(key, fd)
        return kept

    def keep(self, key: str, fd: int) -> None:
        """Hold this too; see the port."""
        for keeper in self._keepers:
            keeper.keep(key, fd)

    def drop(self, key: str) -> None:
        """Hold it no more; see the port."""
        for keeper in self._keepers:
            keeper.drop(key)


def _are_same(one: int, other: int) -> bool:
    """Tell whether two descriptors are of one pipe: an inode's number comes again on another file system."""
    return os.path.samestat(os.fstat(one), os.fstat(other))
