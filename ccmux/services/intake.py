"""Owns the way in: from a writer's bytes, or a file in the send spool, to messages on disk.

One commit for all that was read at once, and for how far each door was read; a door is read on only after it.
No door is opened before somebody stands ready to hold it beyond our end: until then writers wait at it.
It never loses what it has read: while the store fails it holds on, and the writers with it; when it is ended
it takes what stands in the pipes, and leaves to the next start what cannot be stored. It never logs a
message's text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import structlog
from msgspec.structs import replace

from ccmux.core.envelope import KEY_MAX_CHARS, parse_line, parse_own
from ccmux.core.errors import StoreFailed
from ccmux.core.failpoints import Point
from ccmux.core.framing import LineFramer, OverLong
from ccmux.core.messages import Incoming, Rejected
from ccmux.core.observation import QueueGrew
from ccmux.core.settings import InputSettings
from ccmux.ports import (
    NOTHING_READ,
    Clock,
    InputChunk,
    Inputs,
    Reached,
    ReadTo,
    Sightings,
    SpoolFiles,
    Store,
    Taken,
    go_on,
)

DEAD_LINE_BYTES = 16 * 1_048_576
"""So much of a line that is too long is kept for `ccmux dead`: the daemon must live with an endless one."""

RETRY_FIRST_S = 0.5
RETRY_MAX_S = 5.0

Batch = Sequence[Incoming | Rejected]

log = structlog.get_logger()


class Intake:
    """Takes messages in until it is cancelled."""

    name = "intake"

    def __init__(
        self,
        *,
        inputs: Inputs,
        spool: SpoolFiles,
        store: Store,
        sightings: Sightings,
        clock: Clock,
        settings: InputSettings,
        keeper_is_there: Callable[[], Awaitable[None]] | None = None,
        retry_first_s: float = RETRY_FIRST_S,
        reached: Reached = go_on,
    ) -> None:
        """Wire it up; `keeper_is_there` returns once the doors may be opened, None: they may be at once."""
        self.in_place = asyncio.Event()
        """Set once the doors are there."""
        self._inputs = inputs
        self._spool = spool
        self._store = store
        self._sightings = sightings
        self._clock = clock
        self._max_line_bytes = settings.max_message_bytes
        self._keeper_is_there = keeper_is_there
        self._retry_first_s = retry_first_s
        self._reached = reached
        self._framers: dict[str, LineFramer] = {}
        self._unsaved: Batch = ()
        self._unsaved_chunks: Sequence[InputChunk] = ()
        """What was read at the doors and is not on disk yet."""

    async def run(self) -> None:
        """Take in until cancelled; then take what stands in the pipes.

        Raises:
            RuntimeDirUnsafe: The runtime directory was deleted and cannot be made again.
            AlreadyRunning: Another daemon took it meanwhile.
            StateDirUnsafe: There is no place for what is read.
            StoreFailed: How far the last daemon had come cannot be read.

        """
        self._inputs.make()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_lines(), name="intake of lines")
            group.create_task(self._take_spool(), name="intake of the spool")

    async def _take_lines(self) -> None:
        if self._keeper_is_there is not None:
            await self._keeper_is_there()
        with self._inputs.opened(await self._store.doors_read_to()):
            self.in_place.set()
            try:
                while True:
                    await self._take_next()
            finally:
                await self._take_rest()

    async def _take_next(self) -> None:
        chunks = self._unsaved_chunks = await self._inputs.next()
        self._unsaved = self._batch(chunks)
        read_to = self._read_to(chunks)
        if self._unsaved:
            await self._save(self._unsaved, read_to)
        self._unsaved_chunks = ()
        self._inputs.done(chunks, read_to)

    async def _take_spool(self) -> None:
        while True:
            file = await self._spool.next()
            message = parse_own(file.content, now_s=file.written_at)
            if isinstance(message, Incoming) and message.key is None:
                # The file is deleted after the commit: a crash between them must not make two of it.
                message = replace(message, key=f"spool:{file.name}"[:KEY_MAX_CHARS])
            await self._save([message])
            await self._spool.remove(file.name)

    async def _take_rest(self) -> None:
        rest = self._inputs.rest()
        batch, chunks = [*self._unsaved, *self._batch(rest)], [*self._unsaved_chunks, *rest]
        read_to = self._read_to(chunks)
        try:
            if batch:
                self._saved(batch, await self._store.take_in(batch, read_to=read_to))
        except StoreFailed as error:
            log.error("intake ended early", count=len(batch), reason=error.reason)  # noqa: TRY400 - it says all
        else:
            self._inputs.done(chunks, read_to)

    # ------------------------------------------------------------------------------- from bytes to messages

    def _batch(self, chunks: Sequence[InputChunk]) -> Batch:
        now_s = self._clock.now()
        return [
            self._refused(line, chunk.channel)
            if isinstance(line, OverLong)
            else parse_line(line, fifo_channel=chunk.channel, now_s=now_s)
            for chunk in chunks
            for line in self._lines(chunk)
        ]

    def _read_to(self, chunks: Sequence[InputChunk]) -> dict[str, ReadTo]:
        """Return how far the doors of these chunks have become lines, once these are cut."""
        read_to: dict[str, ReadTo] = {}
        for chunk in chunks:
            framer = self._framers.get(chunk.door)
            unfinished = framer.pending_bytes if framer is not None else 0
            # A stream begun anew keeps only the beginning of a line that is too long, so it may be shorter.
            read_to[chunk.door] = ReadTo(chunk.stream, max(0, chunk.end - unfinished))
        return read_to

    def _lines(self, chunk: InputChunk) -> Iterator[bytes | OverLong]:
        framer = self._framers.setdefault(
            chunk.door, LineFramer(self._max_line_bytes, keep_bytes=DEAD_LINE_BYTES)
        )
        yield from framer.feed(chunk.data)
        if chunk.ended:
            del self._framers[chunk.door]
            rest = framer.flush()
            if rest is not None:
                yield rest

    def _refused(self, line: OverLong, channel: str) -> Rejected:
        reason = f"{line.total_bytes} bytes; [input] max_message_bytes is {self._max_line_bytes}"
        whole_bytes = line.total_bytes if line.total_bytes > len(line.head) else None
        return Rejected(channel=channel, raw=line.head, reason=reason, whole_bytes=whole_bytes)

    # --------------------------------------------------------------------------------- from memory to disk

    async def _save(self, batch: Batch, read_to: Mapping[str, ReadTo] = NOTHING_READ) -> None:
        """Commit a batch, however long that takes. Raises StoreFailed where waiting is of no use."""
        self._reached(Point.RECEIVED)
        failures = 0
        while True:
            try:
                taken = await self._commit(batch, read_to)
                break
            except StoreFailed as error:
                if not error.passes:
                    raise
                if failures == 0:
                    log.error("intake held", reason=error.reason, count=len(batch))  # noqa: TRY400 - as below
                await asyncio.sleep(min(self._retry_first_s * 2**failures, RETRY_MAX_S))
                failures += 1
        self._reached(Point.COMMITTED)
        if failures:
            log.info("intake resumed", failures=failures)
        self._saved(batch, taken)

    async def _commit(self, batch: Batch, read_to: Mapping[str, ReadTo]) -> list[Taken]:
        """Commit; one that has begun is seen to its end, for half a commit cannot be told from none."""
        commit = asyncio.ensure_future(self._store.take_in(batch, read_to=read_to))  # noqa: TID251 - it ends here
        try:
            return await asyncio.shield(commit)
        except asyncio.CancelledError:
            await asyncio.wait([commit])
            if commit.exception() is None:
                self._saved(batch, commit.result())
            raise

    def _saved(self, batch: Batch, taken: Sequence[Taken]) -> None:
        if batch is self._unsaved:
            self._unsaved = ()
        channels: dict[str, _Count] = {}
        for one, its in zip(batch, taken, strict=True):
            count = channels.get(one.channel)
            if count is None:
                count = channels[one.channel] = _Count()
            count.add(one, its)
        for channel, count in channels.items():
            count.log(channel)
        if any(count.new for count in channels.values()):
            self._sightings.tell(QueueGrew())


class _Count:
    """What a batch held of one channel, for the log."""

    def __init__(self) -> None:
        self.new = 0
        self._duplicates = 0
        self._skipped = 0
        self._name: str | None = None
        self._waits_id = 0
        self._content_chars = 0
        self._refused = 0
        self._reason = ""
        self._message_id = 0
        self._refused_id = 0

    def add(self, one: Incoming | Rejected, taken: Taken) -> None:
        if isinstance(one, Rejected):
            self._refused += 1
            self._reason = self._reason or one.reason
            self._refused_id = self._refused_id or taken.id
        elif taken.duplicate:
            self._duplicates += 1
        elif taken.skipped:
            self._skipped += 1
            self._name, self._waits_id = one.unless_waiting, taken.id
        else:
            self.new += 1
            self._content_chars += len(one.content)
            self._message_id = taken.id

    def log(self, channel: str) -> None:
        if self.new or self._duplicates:
            log.info(
                "messages taken",
                channel=channel,
                count=self.new,
                duplicates=self._duplicates,
                content_chars=self._content_chars,
                message_id=self._message_id or None,
            )
        if self._skipped:
            log.info(
                "messages skipped",
                channel=channel,
                count=self._skipped,
                unless_waiting=self._name,
                message_id=self._waits_id,
            )
        if self._refused:
            log.warning(
                "lines refused",
                channel=channel,
                count=self._refused,
                reason=self._reason,
                message_id=self._refused_id,
            )
