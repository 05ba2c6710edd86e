"""The inner feed by which services hear of each other without knowing each other."""

from __future__ import annotations

from typing import Protocol

from ccmux.core.observation import Sighting


class Ear(Protocol):
    """One listener's own queue of sightings; used by one task."""

    async def next(self) -> Sighting:
        """Wait for the next sighting."""
        ...

    def put(self, sighting: Sighting) -> None:
        """Let this ear alone hear something."""
        ...

    def drain(self) -> list[Sighting]:
        """Return what has been heard and not yet taken, without waiting."""
        ...


class Sightings(Protocol):
    """The house's inner feed: values that services tell each other. Told in order, heard in order."""

    def tell(self, sighting: Sighting) -> None: ...

    def listen(self, *kinds: type[Sighting]) -> Ear:
        """Return an ear for these kinds; it hears what is told from now on."""
        ...
