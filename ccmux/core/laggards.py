"""Which viewers have not taken what they were sent, and what becomes of them. It reads no clock.

Nobody is queued for: who lags is passed over, and gets the newest as soon as the last was taken. Who takes
nothing for long is cut off. Only those who lag are kept here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, Generic, TypeVar

PATIENCE_S: Final = 30.0
"""Who has taken nothing for so long is cut off."""

Viewer = TypeVar("Viewer", bound=Hashable)


class Laggards(Generic[Viewer]):
    """Those who lag; each with the number of the state that they were sent last, and since when."""

    def __init__(self) -> None:
        self._lag: dict[Viewer, tuple[int, float]] = {}

    def __len__(self) -> int:
        """How many lag."""
        return len(self._lag)

    def others(self, viewers: Iterable[Viewer]) -> list[Viewer]:
        """Return those who do not lag: they are sent what is new."""
        return [viewer for viewer in viewers if viewer not in self._lag]

    def add(self, viewer: Viewer, number: int, *, now_s: float) -> None:
        """Know that a viewer has not taken all of the state of this number."""
        self._lag[viewer] = (number, now_s)

    def caught_up(self, viewer: Viewer, newest: int) -> bool:
        """Know that a viewer has taken all it was sent; return whether there is a newer state for it."""
        number, _ = self._lag.pop(viewer, (newest, 0.0))
        return number < newest

    def forget(self, viewer: Viewer) -> None:
        """Know that a viewer has gone."""
        self._lag.pop(viewer, None)

    def given_up(self, *, now_s: float) -> list[Viewer]:
        """Return those who have lagged for too long; they are to be cut off."""
        return [viewer for viewer, (_, since_s) in self._lag.items() if now_s - since_s >= PATIENCE_S]
