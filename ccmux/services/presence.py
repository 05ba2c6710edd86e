"""Presence: owns the word that we are here, to the service manager and, over our end, in the database.

It says READY once, when everything is in place; that we live as long as the loop runs; a line on how things
stand when that changes, never a message's text; and that we end. A full disk is no reason to be silent: the
word that we live asks nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from ccmux.core.errors import StoreFailed
from ccmux.core.events import Event
from ccmux.core.observation import Hold
from ccmux.ports import Dispatching, Runs

ALIVE_S = 60.0
"""So often the database is told that the daemon lives."""

CALM_S = 2.0
"""So long after a change it is told how things stand: a message's life is often shorter."""

_IMPLIED = frozenset({Hold.GENERATING, Hold.NOT_RUNNING, Hold.STARTING, Hold.SETTLING})
"""Holds that the state says already, or that pass in a moment."""

log = structlog.get_logger()


class ServiceManager(Protocol):
    """Whoever started the daemon and looks after it, or nobody."""

    @property
    def reaches(self) -> bool:
        """Whether there is one."""
        ...

    @property
    def watchdog_s(self) -> float | None:
        """How long it waits for a word before it ends us; None: for ever."""
        ...

    def ready(self) -> None:
        """Everything is in place."""
        ...

    def alive(self) -> None:
        """We live."""
        ...

    def status(self, line: str) -> bool:
        """How things stand; return whether that was heard."""
        ...

    def stopping(self) -> None:
        """We are about to end."""
        ...


class Book(Runs, Protocol):
    """The store, as far as it is of use here."""

    @property
    def trouble(self) -> str:
        """What it waits for, and what ends that; "" where it works."""
        ...

    async def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is said of how things stand; each "" where there is nothing of the kind.

    Attributes:
        state: What Claude does.
        hold: What holds the queue.
        trouble: What the database waits for, and what ends that.
        remark: What else a person should know.

    """

    state: str
    hold: str
    trouble: str
    remark: str = ""


Follow = Callable[[Callable[[Sequence[Event]], None]], AbstractContextManager[None]]


class Presence:
    """Says that we are here until it is cancelled."""

    name = "presence"

    def __init__(
        self,
        *,
        manager: ServiceManager,
        book: Book,
        dispatching: Dispatching,
        following: Follow,
        in_place: Sequence[asyncio.Event],
        stopping: asyncio.Event,
        remark: str = "",
    ) -> None:
        """Wire it up.

        Args:
            manager: Who is told.
            book: Remembers the runs.
            dispatching: Knows what Claude does.
            following: Lets a follower hear of every commit's events.
            in_place: Set once each by whoever opens a door; all of them together are READY.
            stopping: Set when the daemon begins to end in order.
            remark: What else a person should know as long as this daemon runs; "" for nothing.
        """
        self._manager = manager
        self._book = book
        self._dispatching = dispatching
        self._following = following
        self._in_place = in_place
        self._stopping = stopping
        self._remark = remark
        self._changed = asyncio.Event()
        self._seen: Facts | None = None
        self._now_s = asyncio.get_running_loop().time
        self._from_s = self._now_s()

    async def run(self) -> None:
        """Say it until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._remember(), name="presence in the database")
                group.create_task(self._tell_end(), name="presence at the end")
                if self._manager.reaches:
                    group.create_task(self._tell_ready(), name="presence at the start")
                    group.create_task(self._tell_how_it_stands(), name="presence in a line")
                if (watchdog_s := self._manager.watchdog_s) is not None:
                    group.create_task(self._live(watchdog_s / 2), name="presence for the watchdog")
        finally:
            if self._stopping.is_set():
                with suppress(StoreFailed):  # the next start sees that nobody said goodbye
                    await self._book.end_run()

    async def _tell_ready(self) -> None:
        for place in self._in_place:
            await place.wait()
        self._manager.ready()
        log.info("daemon ready")

    async def _tell_end(self) -> None:
        await self._stopping.wait()
        self._manager.stopping()

    async def _live(self, every_s: float) -> None:
        while True:
            self._manager.alive()
            await self._next(every_s)

    async def _remember(self) -> None:
        """Keep the newest run's last sign of life; what the disk refuses now it may take in a minute."""
        await self._book.begin_run()
        while True:
            await self._next(ALIVE_S)
            try:
                await self._book.renew_run()
            except StoreFailed as error:
                if not error.passes:
                    raise
            if self._facts() != self._seen:  # not everything is an event
                self._changed.set()

    async def _next(self, every_s: float) -> None:
        """Sleep to the next of such steps since the start: steps that meet wake the machine up once."""
        await asyncio.sleep(every_s - (self._now_s() - self._from_s) % every_s)

    async def _tell_how_it_stands(self) -> None:
        told = ""
        with self._following(lambda _events: self._changed.set()):
            while True:
                self._seen = self._facts()
                line = standing(self._seen, waiting=(await self._book.counts()).get("queued", 0))
                if line != told and self._manager.status(line):
                    told = line
                await self._changed.wait()
                await asyncio.sleep(CALM_S)
                self._changed.clear()

    def _facts(self) -> Facts:
        known = self._dispatching.status()
        return Facts(
            state=known["state"],
            hold=known.get("hold") or "",
            trouble=self._book.trouble,
            remark=self._remark,
        )


def standing(facts: Facts, *, waiting: int) -> str:
    """Return how things stand in one line: "Claude is idle; 2 wait"."""
    is_said = facts.hold not in {"", *_IMPLIED}
    parts = [f"Claude is {facts.state}" + (f", held: {facts.hold}" if is_said else "")]
    if waiting:
        parts.append(f"{waiting} wait")
    if facts.trouble:
        parts.append(f"the database waits: {facts.trouble}")
    if facts.remark:
        parts.append(facts.remark)
    return "; ".join(parts)
