"""Turns: owns the reading of the hosted session's transcript, from one session to the next.

It tells which prompts Claude has read, settles the messages they carried, and has every turn recorded once,
also a turn that ended while the daemon was down: reading goes on where the oldest open turn begins. What a
turn is, `core/turns.py` decides. It types nothing and publishes nothing itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NoReturn

import structlog

from ccmux.core.continuation import continuation_of
from ccmux.core.failpoints import Point
from ccmux.core.messages import Incoming, MessageState
from ccmux.core.observation import (
    CaughtUp,
    HookEvent,
    HookSeen,
    ProcessSeen,
    PromptBlocked,
    PromptSeen,
    QueueGrew,
    RegistryEntry,
    RegistrySeen,
    SessionSeen,
    Sighting,
    TurnSeen,
)
from ccmux.core.proof import Match, carries
from ccmux.core.transcript import read_blocked, read_record
from ccmux.core.turns import (
    SETTLE_S,
    News,
    ProcessGone,
    ProcessStarted,
    PromptRead,
    SessionLeft,
    Signal,
    StatusSeen,
    Stopped,
    TurnAssembler,
    TurnEnded,
)
from ccmux.ports import (
    Clock,
    ExpectedPrompt,
    FinishedTurn,
    HostedSession,
    LineTail,
    Reached,
    Sightings,
    Store,
    go_on,
)

UNKNOWN_START_S = 60.0
"""In a conversation whose beginning nobody told, older records than this are of another life."""

_STOPS = frozenset({"Stop", "StopFailure"})
_LEFT = "prompt_input_exit"
"""The reason of a SessionEnd where a person ended Claude: /exit, Ctrl-D."""
_CONTINUES = frozenset({"resume", "fork"})
_HOOKS_KEPT = 64
_BATCHES_AHEAD = 2

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Reading:
    """The transcript that is read now.

    Attributes:
        spoken: The store knows that it holds a prompt.
        at_end: It has been read to its end.
        leave_s: Claude is in another session; once nothing came until then, this one is done.
    """

    session: SessionSeen
    assembler: TurnAssembler
    spoken: bool
    at_end: bool = False
    leave_s: float | None = None


@dataclass(slots=True)
class _Lines:
    """Lines of a transcript; none: read to its end."""

    of: _Reading
    lines: Sequence[tuple[int, bytes]]


class Turns:
    """Reads one transcript at a time; sessions that Claude went on to wait their turn, in order."""

    name = "turns"

    def __init__(
        self,
        *,
        store: Store,
        sightings: Sightings,
        tail: LineTail,
        clock: Clock,
        continue_crashed: bool = True,
        reached: Reached = go_on,
    ) -> None:
        """Wire it up. `continue_crashed`: Claude is asked to go on with what a crash cut."""
        self._store = store
        self._sightings = sightings
        self._tail = tail
        self._clock = clock
        self._continue_crashed = continue_crashed
        self._reached = reached
        self._ear = sightings.listen(SessionSeen, HookSeen, RegistrySeen, ProcessSeen)
        self._now_s = asyncio.get_running_loop().time
        self._inbox: asyncio.Queue[Sighting | _Lines] = asyncio.Queue()
        self._newest: SessionSeen | None = None
        self._ahead: deque[SessionSeen] = deque()
        self._starts: deque[HookEvent] = deque(maxlen=_HOOKS_KEPT)
        self._stops: deque[HookSeen] = deque(maxlen=_HOOKS_KEPT)
        self._left: HookEvent | None = None
        """A person ended Claude, the last time."""
        self._registry: RegistrySeen | None = None
        self._process: ProcessSeen | None = None
        self._caught_up = False

    async def run(self) -> NoReturn:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="turns-ear")
            hosted = await self._store.hosted()
            if hosted is not None and hosted.transcript_path:
                self._hear(SessionSeen(session_id=hosted.session_id, transcript_path=hosted.transcript_path))
            while True:
                while not self._ahead or not self._inbox.empty():
                    self._hear(await self._inbox.get())
                await self._read(await self._open(self._ahead.popleft()))
        raise AssertionError("it reads until it is cancelled")

    async def _listen(self) -> NoReturn:
        while True:
            self._inbox.put_nowait(await self._ear.next())

    def _hear(self, item: Sighting | _Lines) -> None:
        """Keep what a transcript that is opened later must know."""
        match item:
            case SessionSeen() if item != self._newest:
                self._newest = item
                self._ahead.append(item)
            case HookSeen(event=event) if event.name == "SessionStart":
                self._starts.append(event)
            case HookSeen(event=event) if event.name in _STOPS:
                self._stops.append(item)
            case HookSeen(event=event) if event.name == "SessionEnd":
                if event.payload.get("reason") == _LEFT:
                    self._left = event
            case RegistrySeen():
                self._registry = item
            case ProcessSeen():
                self._process = item
            case _:
                pass

    # ------------------------------------------------------------------------------------ one transcript

    async def _open(self, session: SessionSeen) -> _Reading:
        """Begin with a transcript: where an earlier life stopped, or at its start."""
        hosted, since = await self._store.hosted(), 0.0
        if hosted is None or hosted.session_id != session.session_id:
            hosted = HostedSession(session_id=session.session_id, transcript_path="", spoken=False, offset=0)
            since = self._begun_at(session.session_id)
        if hosted.transcript_path != session.transcript_path:
            hosted = replace(hosted, transcript_path=session.transcript_path)
            await self._store.host(hosted)
        assembler = TurnAssembler(offset=hosted.offset, since=since, now_s=self._now_s())
        log.info("transcript opened", session_id=session.session_id, offset=hosted.offset)
        reading = _Reading(session=session, assembler=assembler, spoken=hosted.spoken)
        for known in (*self._stops, self._registry, self._process):
            await self._weigh(reading, known)
        return reading

    def _begun_at(self, session_id: str) -> float:
        """Return the epoch second before which the records of a session new to us are another life's."""
        start = next((event for event in reversed(self._starts) if event.session_id == session_id), None)
        if start is None:
            return self._clock.now() - UNKNOWN_START_S
        return start.at if start.payload.get("source") in _CONTINUES else 0.0

    async def _read(self, reading: _Reading) -> None:
        """Read until Claude has left this session and its last turn is settled."""
        room = asyncio.Semaphore(_BATCHES_AHEAD)
        async with asyncio.TaskGroup() as group:
            tail = group.create_task(self._fill(reading, room), name="turns-tail")
            while not self._is_done(reading):
                item = await self._next(reading)
                if isinstance(item, _Lines):
                    if item.of is reading:
                        room.release()
                        await self._take(item)
                elif item is not None:
                    self._hear(item)
                    await self._weigh(reading, item)
                if self._inbox.empty() and reading.at_end:
                    await self._look(reading)
            tail.cancel()

    async def _fill(self, reading: _Reading, room: asyncio.Semaphore) -> None:
        lines = self._tail.lines(reading.session.transcript_path, reading.assembler.resume_offset)
        async with aclosing(lines):
            async for batch in lines:
                await room.acquire()
                self._inbox.put_nowait(_Lines(reading, batch))

    async def _next(self, reading: _Reading) -> Sighting | _Lines | None:
        """Wait for the next item; None where it is time to look first."""
        due = [at for at in (reading.assembler.due_s(), reading.leave_s) if at is not None]
        try:
            async with asyncio.timeout_at(min(due) if due and reading.at_end else None):
                return await self._inbox.get()
        except TimeoutError:
            return None

    async def _take(self, batch: _Lines) -> None:
        reading = batch.of
        reading.at_end = not batch.lines
        for offset, line in batch.lines:
            await self._tell(reading, reading.assembler.read(offset, read_record(line), now_s=self._now_s()))
            self._tell_blocked(reading, line)
        if batch.lines and reading.leave_s is not None:
            reading.leave_s = self._now_s() + SETTLE_S
        if reading.at_end and not self._caught_up and not self._ahead:
            self._caught_up = True
            self._sightings.tell(CaughtUp())

    def _tell_blocked(self, reading: _Reading, line: bytes) -> None:
        blocked = read_blocked(line)
        if blocked is not None:
            id_ = reading.session.session_id
            self._sightings.tell(
                PromptBlocked(session_id=id_, text=blocked.text, reason=blocked.reason, at=blocked.at)
            )

    async def _weigh(self, reading: _Reading, sighting: Sighting | None) -> None:
        """Hand what was seen beside the transcript to the assembler, if it is about this session."""
        signal = _signal(sighting, reading.session.session_id)
        if signal is not None:
            await self._tell(reading, reading.assembler.hear(signal, now_s=self._now_s()))

    async def _look(self, reading: _Reading) -> None:
        now_s = self._now_s()
        if self._ahead and reading.leave_s is None:
            reading.leave_s = now_s + SETTLE_S
            reading.assembler.hear(SessionLeft(), now_s=now_s)
        await self._tell(reading, reading.assembler.look(now_s=now_s), silent=True)

    def _is_done(self, reading: _Reading) -> bool:
        is_over = reading.leave_s is not None and self._now_s() >= reading.leave_s
        return is_over and reading.at_end and not reading.assembler.is_open

    # ------------------------------------------------------------------------------------- what follows

    async def _tell(self, reading: _Reading, told: Sequence[News], *, silent: bool = False) -> None:
        for news in told:
            if isinstance(news, PromptRead):
                await self._prompt_read(reading, news)
            else:
                # Where silence was the evidence, the last record is older than what Claude did last.
                at = self._clock.now() if silent else news.at
                await self._turn_ended(reading.session.session_id, news, at)

    async def _prompt_read(self, reading: _Reading, prompt: PromptRead) -> None:
        session_id = reading.session.session_id
        await self._settle(prompt)
        if not reading.spoken:
            reading.spoken = True
            hosted = await self._store.hosted()
            if hosted is not None and hosted.session_id == session_id:
                offset = reading.assembler.resume_offset
                await self._store.host(replace(hosted, spoken=True, offset=offset))
        self._sightings.tell(PromptSeen(session_id=session_id, prompt_id=prompt.prompt_id, text=prompt.text))

    async def _settle(self, prompt: PromptRead) -> None:
        """Mark the messages started that this prompt carries, before its turn can end."""
        expected = await self._store.expected()
        if not expected:
            return
        known = {message.id: message for message in await self._store.in_flight()}
        if any(
            message.state is MessageState.STARTED and message.prompt_id == prompt.prompt_id
            for message in known.values()
        ):
            return  # read a second time: what waits now was typed after it, however alike it is
        proved: dict[Match, list[ExpectedPrompt]] = {Match.EXACT: [], Match.WITHIN: []}
        for batch in expected:
            claims = {known[id_].prompt_id for id_ in batch.ids if id_ in known} - {None}
            match = carries(prompt.text, lead=batch.lead, body=batch.body)
            if match in proved and claims <= {prompt.prompt_id}:
                proved[match].append(batch)
        for batch in proved[Match.EXACT][:1] or proved[Match.WITHIN]:
            await self._store.move(batch.ids, MessageState.STARTED, prompt_id=prompt.prompt_id)
            log.info("messages started", message_ids=batch.ids, turn_id=prompt.prompt_id)

    async def _turn_ended(self, session_id: str, turn: TurnEnded, at: float) -> None:
        finished = FinishedTurn(
            session_id=session_id,
            prompt_id=turn.prompt_id,
            resume_offset=turn.resume_offset,
            fields=turn.fields,
            continuation=self._continuation(session_id, turn),
        )
        outcome, blocks = turn.fields["outcome"], len(turn.fields["turn"])
        self._reached(Point.TURN_SEEN)
        if await self._store.finish_turn(finished):
            self._reached(Point.EVENT_WRITTEN)
            log.info("turn finished", turn_id=turn.prompt_id, outcome=outcome, blocks=blocks)
            if finished.continuation is not None:
                self._sightings.tell(QueueGrew())
        self._sightings.tell(TurnSeen(session_id=session_id, prompt_id=turn.prompt_id, at=at))

    def _continuation(self, session_id: str, turn: TurnEnded) -> Incoming | None:
        """Return what asks Claude to go on with a turn, None where nobody wants that."""
        if turn.fields["outcome"] != "crashed" or not self._continue_crashed:
            return None
        left = self._left
        if left is not None and left.session_id == session_id and left.at >= turn.at:
            return None
        return continuation_of(turn.prompt_id, ts=self._clock.now())


def _signal(sighting: Sighting | None, session_id: str) -> Signal | None:
    """Return what a sighting means for the turns of this session, None where it means nothing."""
    match sighting:
        case HookSeen(event=event) if event.name in _STOPS:
            if event.in_subagent or event.session_id != session_id:
                return None
            return Stopped(
                prompt_id=event.prompt_id,
                at=event.at,
                said=str(event.payload.get("last_assistant_message") or ""),
                failed=event.name == "StopFailure",
            )
        case RegistrySeen(entry=RegistryEntry() as entry) if entry.session_id == session_id:
            return StatusSeen(idle=entry.is_idle, since=entry.updated_at)
        case ProcessSeen(pid=None):
            return ProcessGone()
        case ProcessSeen(started_at=started_at):
            return ProcessStarted(at=started_at)
        case _:
            return None
