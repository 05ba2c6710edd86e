"""The hub: the house's inner feed of sightings, and the outer feed of events. It keeps no history of its own.

Inside, a service tells what it saw and every ear that asked for that kind hears it, in order. Outside, the
events of each commit go to whoever follows them; a follower must take them at once and may not wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ccmux.core.events import Event
from ccmux.core.observation import Sighting

Follower = Callable[[Sequence[Event]], None]


class QueueEar:
    """One listener's own queue of sightings; used by one task."""

    def __init__(self, kinds: tuple[type[Sighting], ...]) -> None:
        self._kinds = kinds
        self._heard: deque[Sighting] = deque()
        self._something = asyncio.Event()

    def put(self, sighting: Sighting) -> None:
        """Take a sighting if it is of a kind that was asked for."""
        if isinstance(sighting, self._kinds):
            self._heard.append(sighting)
            self._something.set()

    async def next(self) -> Sighting:
        """Wait for the next sighting."""
        while not self._heard:
            self._something.clear()
            await self._something.wait()
        return self._heard.popleft()

    def drain(self) -> list[Sighting]:
        """Return what has been heard and not yet taken, without waiting."""
        heard = list(self._heard)
        self._heard.clear()
        return heard


class Hub:
    """Fulfils `Sightings`, and hands events to followers in the order of their numbers."""

    def __init__(self) -> None:
        self._ears: list[QueueEar] = []
        self._followers: list[Follower] = []

    def tell(self, sighting: Sighting) -> None:
        """Let every ear that asked for this kind hear it."""
        for ear in self._ears:
            ear.put(sighting)

    def listen(self, *kinds: type[Sighting]) -> QueueEar:
        """Return an ear for these kinds; it hears what is told from now on."""
        ear = QueueEar(kinds)
        self._ears.append(ear)
        return ear

    def publish(self, events: Sequence[Event]) -> None:
        """Hand the events of one commit to every follower."""
        for follower in tuple(self._followers):
            follower(events)

    @contextmanager
    def following(self, follower: Follower) -> Iterator[None]:
        """Follow the events inside this context."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)
