"""The `Store` port: says which room does it, and whether the house waits for it or somebody who asked.

It holds no SQL and no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from ccmux.core.events import Draft, Event, EventType
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Incoming, Message, MessageState, Rejected
from ccmux.core.outgoing import Outgoing
from ccmux.core.runs import Run
from ccmux.drivers.sqlite import events, hosting, intake, ledger, letters, messages, outbox, runs, turns
from ccmux.drivers.sqlite.connection import Connection
from ccmux.drivers.sqlite.thread import DatabaseThread
from ccmux.ports import (
    NOTHING_READ,
    Clock,
    ExpectedPrompt,
    FinishedTurn,
    HostedSession,
    ReadTo,
    Standing,
    Taken,
)

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()


class SqliteStore:
    """The `Store` port on SQLite. Made by `SqliteStore.open`; ended by `close`."""

    def __init__(self, thread: DatabaseThread, connection: Connection) -> None:
        self._thread = thread
        self._connection = connection

    @classmethod
    async def open(
        cls, path: Path, *, session: str, clock: Clock, on_events: Callable[[Sequence[Event]], None]
    ) -> SqliteStore:
        """Open or make the database (0600) and bring its schema up to date.

        `on_events` is called in the loop with the events of each commit, in order.

        Raises:
            StoreFailed: It cannot be opened, is damaged, or was written by a newer ccmux.

        """
        thread = DatabaseThread(path, on_events=on_events)
        try:
            connection = await thread.once(
                partial(Connection, path, session=session, clock=clock, committed=thread.committed)
            )
            if broken := await thread.once(partial(ledger.broken_promises, connection)):
                log.error("ledger check failed", path=str(path), **broken)
        except BaseException:
            thread.end()
            raise
        return cls(thread, connection)

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._thread.for_house(self._connection.db.close)
        self._thread.end()

    @property
    def trouble(self) -> str:
        """Why the database could not be written lately, and what ends that; "" once a change is on disk."""
        return self._thread.trouble

    async def _for_house(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._thread.for_house(partial(call, self._connection, *args, **kwargs))

    async def _for_asker(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._thread.for_asker(partial(call, self._connection, *args, **kwargs))

    # ------------------------------------------------------------------------------------------- messages

    async def take_in(
        self, batch: Sequence[Incoming | Rejected], *, read_to: Mapping[str, ReadTo] = NOTHING_READ
    ) -> list[Taken]:
        return await self._for_asker(intake.take_in, batch, read_to=read_to)

    async def doors_read_to(self) -> dict[str, ReadTo]:
        return await self._for_house(intake.doors_read_to)

    async def waiting(self, limit: int) -> list[Message]:
        return await self._for_house(messages.waiting, limit)

    async def in_flight(self) -> list[Message]:
        return await self._for_house(messages.in_flight)

    async def begin_typing(self, ids: Sequence[int], *, lead: str, body: str) -> None:
        await self._for_house(messages.begin_typing, ids, lead=lead, body=body)

    async def expected(self) -> list[ExpectedPrompt]:
        return await self._for_house(messages.expected)

    async def move(
        self, ids: Collection[int], state: MessageState, *, reason: str = "", prompt_id: str | None = None
    ) -> None:
        await self._for_house(messages.move, ids, state, reason=reason, prompt_id=prompt_id)

    async def message(self, id_or_key: str) -> list[Message]:
        return await self._for_house(messages.with_id_or_key, id_or_key)

    async def messages(self, *, states: Collection[MessageState] = (), limit: int = 100) -> list[Message]:
        return await self._for_house(messages.newest, states=states, limit=limit)

    async def counts(self) -> dict[str, int]:
        return await self._for_house(messages.counts)

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        return await self._for_house(letters.dead_letters, limit)

    async def dead_letter(self, id_: int) -> DeadLetter | None:
        return await self._for_house(letters.dead_letter, id_)

    async def revive(self, id_: int, parsed: Incoming | None) -> Taken | None:
        return await self._for_asker(letters.revive, id_, parsed)

    async def drop(self, id_: int) -> bool:
        return await self._for_asker(letters.drop, id_)

    # -------------------------------------------------------------------- turns, hosted session, pause

    async def finish_turn(self, turn: FinishedTurn) -> bool:
        return await self._for_house(turns.finish_turn, turn)

    async def hosted(self) -> HostedSession | None:
        return await self._for_house(hosting.hosted)

    async def host(self, session: HostedSession) -> None:
        await self._for_house(hosting.host, session)

    async def standing(self) -> Standing:
        return await self._for_house(_standing)

    async def paused(self) -> bool:
        return await self._for_house(hosting.paused)

    async def pause(self, *, on: bool) -> None:
        await self._for_asker(hosting.pause, on=on)

    # --------------------------------------------------------------------------------------------- events

    async def record(self, draft: Draft) -> None:
        await self._for_house(events.record, draft)

    async def events_since(self, seq: int, types: Collection[EventType], limit: int) -> list[Event]:
        return await self._for_house(events.events_since, seq, types, limit)

    async def last_seq(self) -> int:
        return await self._for_house(events.last_seq)

    async def forget(self, *, events_days: float, keys_days: float) -> bool:
        """Delete some events and senders' keys older than so many days; tell whether more may be left.

        The newest event stays, it holds `seq`.
        """
        return await self._for_house(events.forget, events_days=events_days, keys_days=keys_days)

    # --------------------------------------------------------------------------------------------- outbox

    async def put_out(self, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
        return await self._for_asker(outbox.put_out, channel, message, key=key, ts=ts)

    async def next_out(self, channel: str) -> Outgoing | None:
        return await self._for_house(outbox.next_out, channel)

    async def delivered(self, out_id: int) -> None:
        await self._for_house(outbox.delivered, out_id)

    async def out_waiting(self) -> dict[str, int]:
        return await self._for_house(outbox.out_waiting)

    # ------------------------------------------------------------------------------------------- our runs

    async def begin_run(self) -> None:
        await self._for_house(runs.begin_run)

    async def renew_run(self) -> None:
        await self._for_asker(runs.renew_run)

    async def end_run(self) -> None:
        await self._for_asker(runs.end_run)

    async def runs(self) -> list[Run]:
        return await self._for_house(runs.runs)


def _standing(connection: Connection) -> Standing:
    return Standing(
        hosted=hosting.hosted(connection),
        queue=messages.counts(connection),
        out=outbox.out_waiting(connection),
        last_seq=events.last_seq(connection),
        last_turn_at=turns.last_turn_at(connection),
    )
