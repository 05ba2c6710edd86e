"""The daemon's runs, on disk: how whoever looks later knows when there was none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ccmux.core.runs import Run


class Runs(Protocol):
    """`renew_run` and `end_run` raise StoreFailed at once; the others wait as the Store does."""

    async def begin_run(self) -> None:
        """Remember that a daemon runs from now on."""
        ...

    async def renew_run(self) -> None:
        """Remember that it still does."""
        ...

    async def end_run(self) -> None:
        """Remember that it ends in order."""
        ...

    async def runs(self) -> Sequence[Run]:
        """Return the runs that are remembered, oldest first; the last is the one that asks."""
        ...
