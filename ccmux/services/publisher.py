"""The publisher: owns output.sock's presence, and hands the hub's events to its subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import NoReturn, Protocol

from ccmux.core.events import Event
from ccmux.ports import FileChange, FileEvent, FileEvents

AGAIN_S = 0.1
"""How long after its file was deleted the socket is made again."""

Follower = Callable[[Sequence[Event]], None]


class EventSocket(Protocol):
    """A socket on which events are followed."""

    def listening(self) -> AbstractAsyncContextManager[None]:
        """Listen inside this context."""
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Write events to everyone who follows."""
        ...

    def in_place(self) -> bool:
        """Tell whether the socket file is still there."""
        ...


class Events(Protocol):
    """The outer feed of the hub."""

    def following(self, follower: Follower) -> AbstractContextManager[None]:
        """Follow the events inside this context."""
        ...


class Publisher:
    """Serves subscribers; makes the socket again when its file is deleted."""

    name = "publisher"

    def __init__(self, *, socket: EventSocket, events: Events, files: FileEvents, folder: str) -> None:
        """Wire it up; `folder` is where the socket's file is."""
        self._socket = socket
        self._events = events
        self._files = files
        self._folder = folder

    async def run(self) -> NoReturn:
        """Publish until cancelled."""
        vanished = asyncio.Event()

        def look(_event: FileEvent) -> None:
            vanished.set()

        with self._events.following(self._socket.publish):
            while True:
                with suppress(FileNotFoundError):  # the folder itself was deleted; its owner makes it again
                    async with self._socket.listening():
                        with self._files.watch(self._folder, FileChange.VANISHED, look):
                            while self._socket.in_place():
                                vanished.clear()
                                await vanished.wait()
                await asyncio.sleep(AGAIN_S)
