"""The database, as everybody who remembers something uses it, and the values that go in and out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from ccmux.core.events import Draft, Event, EventType
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Incoming, Message, MessageState, Rejected
from ccmux.core.outgoing import Outgoing
from ccmux.ports.inputs import NOTHING_READ, ReadTo


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of one line.

    Attributes:
        id: Its message's number; of a line that was not taken, that of the message that stands in its way.
        duplicate: That message took its key before.
        skipped: That message has its `unless_waiting` and still waits.
    """

    id: int
    duplicate: bool = False
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPrompt:
    """A batch that was typed, or was about to be, and is not proved yet.

    Attributes:
        ids: Its messages.
        lead: The short line before a paste that the CLI wraps, "" where the body stands alone.
        body: The text of the messages as built.
        typed_at: Epoch seconds just before its first key.
        submitted: Claude's hook has reported it; only the transcript has not.
    """

    ids: tuple[int, ...]
    lead: str
    body: str
    typed_at: float = 0.0
    submitted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTurn:
    """A turn to be recorded once: the event's fields and where its reading can go on.

    Attributes:
        resume_offset: Byte offset in the transcript behind which no part of this turn stands.
        fields: The event's: `turn`, `usage`, `outcome`, `model`, `error`.
        continuation: What is queued where the turn carried messages: these are then answered when the
            turn of that one ends. None: they are answered now.

    """

    session_id: str
    prompt_id: str
    resume_offset: int
    fields: Mapping[str, Any]
    continuation: Incoming | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedSession:
    """The Claude session we host. `spoken`: it has had at least one prompt, so a transcript must exist.

    `offset`, in bytes, is where reading goes on: the first line of the oldest open turn, or the end.
    """

    session_id: str
    transcript_path: str
    spoken: bool
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand at one moment.

    Attributes:
        hosted: The session to resume, None if there never was one.
        queue: How many messages are in each state; dropped dead letters are not counted.
        out: How many messages wait for each channel that has any.
        last_seq: The number of the newest event, 0 where there is none.
        last_turn_at: When the newest turn was recorded (epoch seconds), None where there is none.
    """

    hosted: HostedSession | None
    queue: Mapping[str, int]
    out: Mapping[str, int]
    last_seq: int
    last_turn_at: float | None


class Store(Protocol):
    """The database: one transaction a call; a change and the event that tells of it are one transaction.

    `take_in`, `revive`, `drop`, `pause` and `put_out` raise StoreFailed at once: somebody waits for an
    answer, and nothing was done. All others wait while the disk is full, read-only or locked, and raise it
    only where waiting is of no use.
    """

    # messages
    async def take_in(
        self, batch: Sequence[Incoming | Rejected], *, read_to: Mapping[str, ReadTo] = NOTHING_READ
    ) -> list[Taken]:
        """Commit a batch: messages `queued`, rejects `dead`; answers in the same order.

        What is skipped (`Incoming.unless_waiting`) leaves nothing behind: neither a number nor its key.

        `read_to` is committed with them: how far these doors' streams have become messages now.
        """
        ...

    async def doors_read_to(self) -> dict[str, ReadTo]:
        """Return how far each door's stream has become messages."""
        ...

    async def waiting(self, limit: int) -> list[Message]:
        """Return the oldest `queued` messages, oldest first; a turn's continuation goes before all, alone."""
        ...

    async def in_flight(self) -> list[Message]:
        """Return messages in `typing`, `submitted`, `started` and `uncertain`, oldest first."""
        ...

    async def begin_typing(self, ids: Sequence[int], *, lead: str, body: str) -> None:
        """Set messages to `typing` together with the exact text that is about to be typed for them."""
        ...

    async def expected(self) -> list[ExpectedPrompt]:
        """Return the typed batches with messages in `typing`, `submitted` or `uncertain`, oldest first."""
        ...

    async def move(
        self, ids: Collection[int], state: MessageState, *, reason: str = "", prompt_id: str | None = None
    ) -> None:
        """Set the state of messages, where `messages.FOLLOWS` allows it; elsewhere nothing happens.

        A `prompt_id` is remembered also where the state stays.
        """
        ...

    async def message(self, id_or_key: str) -> list[Message]:
        """Return the messages with this number or this sender's key, newest first."""
        ...

    async def messages(self, *, states: Collection[MessageState] = (), limit: int = 100) -> list[Message]:
        """Return the newest messages, newest first; no states means all."""
        ...

    async def counts(self) -> dict[str, int]:
        """Return how many messages are in each state; dropped dead letters are not counted."""
        ...

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the newest dead letters, newest first, without those that were dropped."""
        ...

    async def dead_letter(self, id_: int) -> DeadLetter | None:
        """Return one, None where there is none of that number."""
        ...

    async def revive(self, id_: int, parsed: Incoming | None) -> Taken | None:
        """Queue a dead letter again under its own number, as it stands or as `parsed` has it.

        None: it is no dead letter (any more). A duplicate: its key was taken by that message; it stays dead.
        It is never skipped: a person asked for it.
        """
        ...

    async def drop(self, id_: int) -> bool:
        """Take a dead letter off the list; its bytes stay on disk. False where it is none."""
        ...

    # turns and the hosted session
    async def finish_turn(self, turn: FinishedTurn) -> bool:
        """Record a turn, its event, its messages' `answered` and the offset; False if it stands already.

        Its messages are those it carried and those that it went on with, `continuation` of an earlier turn.
        """
        ...

    async def hosted(self) -> HostedSession | None:
        """Return the session to resume, or None if there never was one."""
        ...

    async def host(self, session: HostedSession) -> None:
        """Remember the session Claude is in now."""
        ...

    # all of it
    async def standing(self) -> Standing:
        """Return how things stand, in one go: each question by itself may wait for a whole commit."""
        ...

    # what a person said that outlives the daemon
    async def paused(self) -> bool:
        """Tell whether injection is paused by a person."""
        ...

    async def pause(self, *, on: bool) -> None:
        """Remember that injection is paused, or is no more."""
        ...

    # events
    async def record(self, draft: Draft) -> None:
        """Write an event that stands for itself."""
        ...

    async def events_since(self, seq: int, types: Collection[EventType], limit: int) -> list[Event]:
        """Return events with a number above `seq`, oldest first; no types means all.

        Fewer than `limit` where they are large; none only where there are no more.
        """
        ...

    async def last_seq(self) -> int:
        """Return the number of the newest event, 0 where there is none."""
        ...

    # outbox
    async def put_out(self, channel: str, message: str, *, key: str | None, ts: float) -> Taken:
        """Commit a message for a channel; a key taken before on that channel changes nothing."""
        ...

    async def next_out(self, channel: str) -> Outgoing | None:
        """Return the oldest undelivered message of a channel."""
        ...

    async def delivered(self, out_id: int) -> None:
        """Mark an outgoing message delivered (event `channel` `delivered`)."""
        ...

    async def out_waiting(self) -> dict[str, int]:
        """Return how many messages wait for each channel that has any."""
        ...
