"""The sockets in the wall: what services and web need of the outside, as protocols. Drivers fit them.

Every method that may block is `async`. Every error a port raises is one of `core/errors.py`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, Flag, auto
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from ccmux.core.events import Draft, Event, EventType
from ccmux.core.failpoints import Point
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Incoming, Message, MessageState, Rejected
from ccmux.core.observation import PaneProcess, PaneView, Sighting
from ccmux.core.outgoing import Outgoing

# --------------------------------------------------------------------------------------------------- time


class Clock(Protocol):
    """Wall time, for what people read and for other programs' stamps. Waiting uses the loop's own clock."""

    def now(self) -> float:
        """Return epoch seconds."""
        ...

    def local(self, ts: float) -> datetime:
        """Return local time of `ts` (epoch seconds), aware."""
        ...

    def hhmm(self, ts: float) -> str:
        """Return local wall time of `ts` (epoch seconds) as `HH:MM`."""
        ...


# ------------------------------------------------------------------------------------------------- crashes

Reached = Callable[[Point], None]
"""Told at each point at which a test may let the daemon die."""


def go_on(_point: Point) -> None:
    """Let every point pass: what is `Reached` everywhere but in a test of crashes."""


# ---------------------------------------------------------------------------------------------- the store


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of one line: its message id, and whether the key had been taken before."""

    id: int
    duplicate: bool = False


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


@dataclass(frozen=True, slots=True)
class ReadTo:
    """How far a door's bytes are on disk as messages: `offset` counts from the start of the run `stream`."""

    stream: str
    offset: int


NOTHING_READ: Mapping[str, ReadTo] = MappingProxyType({})


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


# ---------------------------------------------------------------------------------------------- the way in


@dataclass(frozen=True, slots=True)
class InputChunk:
    """What was read from one door at once; lines may begin and end anywhere in it.

    `door` is the FIFO's name: two doors may feed one channel, and their lines must not be mixed.
    `ended`: nobody writes on what was begun: a last line without a newline is a whole one.
    `stream` and `end` say where its last byte stands among the door's bytes (`ReadTo`).
    """

    door: str
    channel: str
    data: bytes
    ended: bool = False
    stream: str = ""
    end: int = 0


class Inputs(Protocol):
    """The doors: the FIFO `in`, which is made, and every `in.*`, which adapters make.

    What was read and not told `done` is handed out again by the next daemon, whatever became of this one.
    """

    def opened(self, read_to: Mapping[str, ReadTo] = NOTHING_READ) -> AbstractContextManager[None]:
        """Find doors as they come and go; outside this context there are none.

        Args:
            read_to: How far each door's bytes have become messages; what lies behind is handed out first.

        Raises:
            RuntimeDirUnsafe: The directory cannot be made again.
            AlreadyRunning: Another daemon has it.
            StateDirUnsafe: There is no place for what is read.
        """
        ...

    async def next(self) -> Sequence[InputChunk]:
        """Wait for what writers wrote. A door is not read again before `done` is told of its chunk.

        Raises:
            RuntimeDirUnsafe: The directory was deleted and cannot be made again.
            AlreadyRunning: Another daemon took it meanwhile.
        """
        ...

    def done(self, chunks: Sequence[InputChunk], read_to: Mapping[str, ReadTo] = NOTHING_READ) -> None:
        """Say that these are on disk; of a door in `read_to` so far, of any other to the chunk's end."""
        ...

    def rest(self) -> Sequence[InputChunk]:
        """Read no more; return what was read and not handed out, and what stands in the pipes."""
        ...


class Keeper(Protocol):
    """Holds FIFOs open beyond the daemon's death: a pipe's bytes go with its last descriptor."""

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what outlived the last daemon, by key, once; the descriptors are the caller's then."""
        ...

    def keep(self, key: str, fd: int) -> None:
        """Hold this FIFO too. Letters, digits, `.`, `_`, `-` and `~`; a key that is held stays as it is."""
        ...

    def drop(self, key: str) -> None:
        """Hold it no more."""
        ...


class NoKeeper:
    """Keeps nothing: the bytes in the pipes end with the daemon."""

    def kept(self) -> Sequence[tuple[str, int]]:
        return ()

    def keep(self, key: str, fd: int) -> None: ...

    def drop(self, key: str) -> None: ...


# ----------------------------------------------------------------------------------------------- the hub


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


# ---------------------------------------------------------------------------------------- tmux, processes


class Pane(Protocol):
    """Claude's pane. Every method raises PaneLost where pane, session or server are gone."""

    async def look(self) -> PaneView: ...

    async def paste(self, *texts: str, since: PaneView | None = None) -> bool:
        """Send texts as one bracketed paste each; newlines stay newlines, nothing is submitted.

        With `since` they are sent only if no person has pressed a key since that look, and if the keys reach
        Claude: that is seen and done in one, nothing comes between. Return whether they were sent.
        """
        ...

    async def press(self, key: str, *, since: PaneView | None = None) -> bool:
        """Press one key by its tmux name: `Enter`, `Escape`, `C-s`, `C-u`. As for `paste`."""
        ...


# --------------------------------------------------------------------------------------------- the way out


class SendOutcome(Enum):
    """What became of a message that Claude sent to a channel."""

    DELIVERED = auto()
    """A reader's pipe holds the whole line."""
    BEHIND = auto()
    """On disk; a reader is there and has not come to it yet."""
    QUEUED = auto()
    """On disk; nobody reads the channel now."""
    DUPLICATE = auto()
    """The caller's id was taken before on this channel: nothing is sent twice."""
    NO_CHANNEL = auto()
    """There is no such channel; `names` are those there are."""
    INVALID = auto()
    """`reason` says which argument is wrong and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The answer to one `send`."""

    outcome: SendOutcome
    names: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """A channel as it stands: `waiting` counts the messages on disk that nobody has read yet."""

    name: str
    has_reader: bool
    waiting: int


class Channels(Protocol):
    """The way out as Claude's tools see it. Raises StoreFailed."""

    async def send(self, channel: str, message: str, *, key: str | None) -> SendResult:
        """Take a message for a channel; once this returns with anything but a refusal it is on disk.

        Args:
            channel: As the caller wrote it, valid or not.
            message: Any text, newlines too.
            key: The caller's own id: the same one on the same channel is delivered once; None: no such care.

        """
        ...

    async def infos(self) -> Sequence[ChannelInfo]:
        """Return every channel that has a FIFO or waiting messages, by name."""
        ...


class OutputChange(Enum):
    """What happened to an output FIFO."""

    ADDED = auto()
    REMOVED = auto()
    READER = auto()
    """Somebody opened it for reading."""


class Outputs(Protocol):
    """The `out.*` FIFOs that adapters make in the runtime directory."""

    def watch(self, callback: Callable[[str, OutputChange], None]) -> AbstractContextManager[None]:
        """Find FIFOs as they come and go, and tell of each channel's changes; those there are now at once.

        Outside this context no channel is known.
        """
        ...

    def channels(self) -> frozenset[str]:
        """Return the channels that have a FIFO now."""
        ...

    def has_reader(self, channel: str) -> bool:
        """Tell whether somebody has the channel's FIFO open for reading now."""
        ...

    async def write_line(self, channel: str, data: bytes) -> bool:
        """Write a whole line, as fast as the reader reads; one call at a time a channel.

        False: no reader, or it left before the line was whole; then all of it must be written again.
        """
        ...


# ---------------------------------------------------------------------------------------------- control


class LineListener(Protocol):
    """A socket in the runtime directory that answers lines."""

    def bind(self) -> None:
        """Make the socket file, also again after it was deleted. Raises RuntimeDirUnsafe."""
        ...

    def in_place(self) -> bool:
        """Tell whether the socket file is still the one that `bind` made."""
        ...

    def unlink(self) -> None:
        """Remove the socket file, if it is ours."""
        ...

    async def serve(self, handler: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Answer lines until cancelled."""
        ...


class Dispatching(Protocol):
    """The dispatcher, as those see it who ask for a person."""

    def status(self) -> Mapping[str, Any]:
        """Return at least `state`, `hold` (None: nothing holds), `detail`, `paused` and `pid`."""
        ...

    async def pause(self) -> None:
        """Hold injection, over restarts too."""
        ...

    async def resume(self) -> None:
        """Go on injecting."""
        ...

    async def interrupt(self) -> None:
        """Press Escape in a Claude that is at work. Raises RequestRefused where it is not, PaneLost."""
        ...


class Terminal(Protocol):
    """The tmux session with Claude's pane, as lifecycle uses it. Methods raise PaneLost."""

    async def open(self) -> None:
        """Build what is missing of session and pane and attach; what is there stays as it is."""
        ...

    async def wait_closed(self) -> None:
        """Return once the connection to tmux is lost."""
        ...

    async def last_rows(self) -> Sequence[str]:
        """Return the rows that a program which ended left behind, top first."""
        ...

    async def process(self) -> PaneProcess:
        """Return what became of the pane's own process; no pid where Claude was never started in it."""
        ...

    async def respawn(
        self, argv: Sequence[str], *, env: Mapping[str, str], unset: Collection[str], cwd: str
    ) -> None:
        """Replace what runs in the pane by `argv`."""
        ...


class Processes(Protocol):
    """Other processes of this machine."""

    def start_time(self, pid: int) -> str:
        """Return a process's start in clock ticks since boot, "" where there is no such process."""
        ...

    def state(self, pid: int) -> str:
        """Return one letter (proc_pid_stat(5)); T is suspended, "" where there is no such process."""
        ...

    def started_at(self, pid: int) -> float:
        """Return epoch seconds of a process's start, 0 where there is no such process."""
        ...

    async def wait_exit(self, pid: int) -> None:
        """Return once the process has ended; at once where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file of a spool: its name, its bytes, and when it was written (epoch seconds)."""

    name: str
    content: bytes
    written_at: float


class SpoolFiles(Protocol):
    """A folder of files that appear by atomic rename; each is taken once, in the order of their names."""

    async def next(self) -> SpoolFile:
        """Wait for the next file that was not handed out yet."""
        ...

    async def remove(self, name: str) -> None:
        """Delete a file that is done with."""
        ...

    async def set_aside(self, name: str) -> None:
        """Keep a file that nobody understands beside the others, out of the way."""
        ...


class RegistryFiles(Protocol):
    """Claude's registry of running sessions."""

    def read(self, pid: int) -> bytes | None:
        """Return the registry file of a process as it is now, None where there is none."""
        ...

    def watch(self, pid: int, changed: Callable[[], None]) -> AbstractContextManager[None]:
        """Call back in the loop whenever that file may have changed."""
        ...


# -------------------------------------------------------------------------------------------- file events


class FileChange(Flag):
    """What happened to a name in a watched folder, or to the watched file itself."""

    APPEARED = auto()
    """Created, or moved in."""
    VANISHED = auto()
    """Deleted, or moved away."""
    WRITTEN = auto()
    """Its content changed."""
    CLOSED = auto()
    """Somebody who had it open for writing closed it."""
    OPENED = auto()
    """Somebody opened it."""
    SELF_GONE = auto()
    """The watched path itself was deleted or moved: the watch is over."""
    OVERFLOWED = auto()
    """The kernel dropped events: look at everything again."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """`name` is the name inside a watched folder, "" for the watched path itself."""

    name: str
    change: FileChange


class FileEvents(Protocol):
    """The kernel's file events (inotify(7)), for the running loop."""

    def watch(
        self, path: str, wanted: FileChange, callback: Callable[[FileEvent], None]
    ) -> AbstractContextManager[None]:
        """Call back in the loop for each wanted change below (folder) or of (file) `path`.

        SELF_GONE and OVERFLOWED are always told. Leaving the context ends the watch.

        Raises:
            FileNotFoundError: There is no such path.

        """
        ...


# ------------------------------------------------------------------------------------------- transcripts


class LineTail(Protocol):
    """A file that grows by lines."""

    def lines(self, path: str, offset: int) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """Yield batches of (offset behind the line, line without newline), whole lines only, for ever.

        An empty batch means: read to the end (or there is no file), waiting for more. A file that does not
        exist yet is waited for; one that was replaced or became shorter is read again from its start.
        Close it (`aclosing`) to let go of the file.
        """
        ...


__all__ = [
    "NOTHING_READ",
    "ChannelInfo",
    "Channels",
    "Clock",
    "Dispatching",
    "Ear",
    "ExpectedPrompt",
    "FileChange",
    "FileEvent",
    "FileEvents",
    "FinishedTurn",
    "HostedSession",
    "InputChunk",
    "Inputs",
    "Keeper",
    "LineListener",
    "LineTail",
    "NoKeeper",
    "OutputChange",
    "Outputs",
    "Pane",
    "Reached",
    "ReadTo",
    "SendOutcome",
    "SendResult",
    "Sightings",
    "Store",
    "Taken",
    "go_on",
]
