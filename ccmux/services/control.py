"""The control service: answers control.sock. It owns the socket file's presence and no state of Claude's.

It takes messages in, tells what waits and why, and hands a person's pause, resume and interrupt on. Message
texts go to whoever asks on the socket, which is the owner alone, and never to the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

import structlog

from ccmux.core.channel import DEFAULT_CHANNEL, is_channel
from ccmux.core.control import (
    OTHER_PROJECT,
    Dead,
    Drop,
    Interrupt,
    Letter,
    Messages,
    Pause,
    Request,
    Resume,
    Retry,
    Runs,
    Send,
    Show,
    Status,
    Why,
    answer,
    explained,
    parse_request,
    refusal,
    told,
    told_letter,
    way_out,
)
from ccmux.core.envelope import parse_object
from ccmux.core.errors import CcmuxError, RuntimeDirUnsafe
from ccmux.core.letters import StillDead, again
from ccmux.core.messages import Incoming, Rejected
from ccmux.core.observation import QueueGrew
from ccmux.core.runs import Run, told_runs
from ccmux.ports import Clock, Dispatching, FileChange, FileEvent, FileEvents, LineListener, Sightings, Store

AGAIN_S = 0.1
"""How long after a failure the socket is made again."""

SENT_BEFORE_S = 2.0
"""A message waits no longer than this for those that were sent before the start."""

log = structlog.get_logger()


class Control:
    """Answers requests; makes the socket again when its file is deleted."""

    name = "control"

    def __init__(
        self,
        *,
        socket_path: Path,
        listener: LineListener,
        files: FileEvents,
        store: Store,
        sightings: Sightings,
        dispatching: Dispatching,
        clock: Clock,
        project: str,
        version: str,
        max_line_bytes: int,
        more_status: Callable[[], Mapping[str, Any]],
        runs: Callable[[], Awaitable[Sequence[Run]]],
        sent_before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Wire it up.

        Args:
            socket_path: The listener's path; its directory is watched.
            listener: Bound by whoever starts the house, or here.
            files: Tells when the socket's file vanishes.
            store: Takes messages and tells of them.
            sightings: Hears that the queue grew.
            dispatching: The dispatcher.
            clock: For a message without `ts`, and for ages.
            project: The project's name.
            version: Of ccmux.
            max_line_bytes: `[input] max_message_bytes`, for a dead letter that is tried again.
            more_status: What lifecycle knows: `tmux`, `restarts`, ...; its keys go into the status.
            runs: Returns the daemon's runs, oldest first, this one last.
            sent_before: Returns once what was sent while no daemon ran is taken: it goes first.
        """
        self.in_place = asyncio.Event()
        """Set once it answers."""
        self._path = socket_path
        self._listener = listener
        self._files = files
        self._store = store
        self._sightings = sightings
        self._dispatching = dispatching
        self._clock = clock
        self._project = project
        self._version = version
        self._max_line_bytes = max_line_bytes
        self._more_status = more_status
        self._runs = runs
        self._sent_before = sent_before
        self._started_at = clock.now()
        self._said = False

    async def run(self) -> None:
        """Answer until cancelled."""
        looked_for = asyncio.Event()

        def look(event: FileEvent) -> None:
            if event.name in {"", self._path.name}:
                looked_for.set()

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listener.serve(self.answer), name="control answers")
                self.in_place.set()
                while True:
                    folder = str(self._path.parent)
                    # Where the folder was deleted its owner makes it again.
                    with suppress(FileNotFoundError), self._files.watch(folder, FileChange.VANISHED, look):
                        while self._keep_in_place():
                            looked_for.clear()
                            await looked_for.wait()
                    await asyncio.sleep(AGAIN_S)
        finally:
            self._listener.unlink()

    def _keep_in_place(self) -> bool:
        """Make the socket again where it is missing; False where that is impossible just now."""
        if self._listener.in_place():
            return True
        try:
            self._listener.bind()
        except RuntimeDirUnsafe as error:
            if not self._said:
                log.warning("control socket not made again", reason=str(error))
            self._said = True
            return False
        self._said = False
        return True

    async def answer(self, line: bytes) -> bytes:
        """Return the answer line to a request line; only a bug raises."""
        request = parse_request(line)
        if isinstance(request, str):
            return refusal(request)
        if request.project and request.project != self._project:
            return refusal(f"the daemon there is of project '{self._project}'", code=OTHER_PROJECT)
        try:
            return await self._do(request)
        except CcmuxError as error:
            return refusal(str(error))

    async def _do(self, request: Request) -> bytes:
        match request:
            case Send(message=message):
                return await self._send(message)
            case Status():
                return answer(status=await self._status())
            case Messages(states=states, limit=limit):
                return answer(
                    messages=[told(one) for one in await self._store.messages(states=states, limit=limit)]
                )
            case Show(id=wanted):
                return answer(
                    messages=[told(one, whole=True) for one in await self._store.message(str(wanted))]
                )
            case Why(id=wanted):
                return await self._why(str(wanted))
            case Dead(limit=limit):
                letters = await self._store.dead_letters(limit)
                return answer(letters=[told_letter(one) for one in letters])
            case Letter(id=wanted):
                return await self._letter(wanted)
            case Retry(id=wanted):
                return await self._retry(wanted)
            case Drop(id=wanted):
                return answer(id=wanted) if await self._store.drop(wanted) else _no_letter(wanted)
            case Pause():
                await self._dispatching.pause()
                return answer(paused=True)
            case Resume():
                await self._dispatching.resume()
                return answer(paused=False)
            case Interrupt():
                await self._dispatching.interrupt()
                return answer()
            case Runs(since=since):
                return answer(runs=told_runs(await self._runs(), since=since))
            case _:
                assert_never(request)

    async def _send(self, message: dict[str, Any]) -> bytes:
        channel = message.get("channel", DEFAULT_CHANNEL)
        if not isinstance(channel, str) or not is_channel(channel):
            return refusal("the channel must be letters, digits, _, . and -, at most 64, no sign first")
        incoming = parse_object(message, channel=channel, now_s=self._clock.now())
        if isinstance(incoming, Rejected):
            return refusal(f"not taken: {incoming.reason}")
        if self._sent_before is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(SENT_BEFORE_S):
                    await self._sent_before()
        (taken,) = await self._store.take_in([incoming])
        if taken.skipped:
            return await self._skipped(incoming, waits=taken.id)
        if not taken.duplicate:
            self._sightings.tell(QueueGrew())
        return answer(id=taken.id, key=incoming.key, duplicate=taken.duplicate)

    async def _skipped(self, incoming: Incoming, *, waits: int) -> bytes:
        log.info(
            "messages skipped",
            channel=incoming.channel,
            count=1,
            unless_waiting=incoming.unless_waiting,
            message_id=waits,
        )
        known = self._dispatching.status()
        reasons = [
            explained(one, hold=known.get("hold") or "", detail="", now_s=self._clock.now())["reason"]
            for one in await self._store.message(str(waits))
            if one.id == waits  # not another's key that looks like this number
        ]
        return answer(
            id=None, key=incoming.key, duplicate=False, skipped=True, waits=waits, reason="".join(reasons)
        )

    async def _letter(self, wanted: int) -> bytes:
        letter = await self._store.dead_letter(wanted)
        return answer(letter=told_letter(letter, whole=True)) if letter else _no_letter(wanted)

    async def _retry(self, wanted: int) -> bytes:
        letter = await self._store.dead_letter(wanted)
        if letter is None:
            return _no_letter(wanted)
        becomes = again(letter, max_line_bytes=self._max_line_bytes, now_s=self._clock.now())
        if isinstance(becomes, StillDead):
            return refusal(f"message {wanted} is not queued again: {becomes.reason}")
        taken = await self._store.revive(wanted, becomes if isinstance(becomes, Incoming) else None)
        if taken is None:
            return _no_letter(wanted)
        if taken.duplicate:
            how = f"`ccmux why {taken.id}` tells of that one, `ccmux dead drop {wanted}` lets go of this one"
            return refusal(f"message {wanted} is not queued again: message {taken.id} has its key; {how}")
        self._sightings.tell(QueueGrew())
        return answer(id=wanted)

    async def _status(self) -> dict[str, Any]:
        stands = await self._store.standing()
        now_s = self._clock.now()
        known = {**self._more_status(), **self._dispatching.status()}
        hold = known.get("hold") or ""
        return {
            **known,
            "hold": hold,
            "way_out": way_out(hold, early_ends=known.get("early_ends", 0)),
            "session": self._project,
            "session_id": stands.hosted.session_id if stands.hosted else None,
            "queue": stands.queue,
            "out": stands.out,
            "last_seq": stands.last_seq,
            "last_turn_at": stands.last_turn_at,
            "version": self._version,
            "started_at": round(self._started_at, 3),
            "uptime_s": round(now_s - self._started_at, 1),
        }

    async def _why(self, wanted: str) -> bytes:
        if wanted:
            asked = await self._store.message(wanted)
            if not asked:
                return refusal(f"there is no message '{wanted}'; `ccmux messages` lists them")
        else:
            asked = [*await self._store.in_flight(), *await self._store.waiting(1)]
        known = self._dispatching.status()
        hold, detail = known.get("hold") or "", known.get("detail") or ""
        now_s = self._clock.now()
        early_ends = self._more_status().get("early_ends", 0)
        return answer(
            holds=[
                explained(one, hold=hold, detail=detail, now_s=now_s, early_ends=early_ends) for one in asked
            ]
        )


def _no_letter(wanted: int) -> bytes:
    return refusal(f"there is no dead letter {wanted}; `ccmux dead` lists them")
