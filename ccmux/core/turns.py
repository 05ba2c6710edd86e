"""Decides where a turn of Claude's begins and ends, and what is told of it. It reads no file and no clock.

Fed with the transcript's records in the order of the file and with what was seen beside it, it says each
turn once. Facts it stands on (2.1.329, tests/corpus/transcripts):

- The transcript marks the end of a turn (`stop_hook_summary`, `turn_duration`) behind all of its blocks. A
  Stop hook that sends Claude on writes a summary as well; that one is no end.
- An Esc leaves `[Request interrupted by user]`, or nothing at all where Claude had not said anything yet.
- An API failure leaves its text and no mark; the StopFailure hook tells.
- A Stop hook may come seconds before the records of its turn, and a crash leaves no word.
- The first records of a process may be written in another order than they came in: 2.1.300 at times writes
  an answer before its prompt, or the mark before the answer; 2.1.329 was not seen to.
- Task notifications and messages of other sessions start turns that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccmux.core.transcript import AssistantBlocks, Block, Interrupted, Prompt, Record, ToolResult, TurnClosed

SETTLE_S = 1.0
"""So long the transcript must have been still before the word of a hook or of the process ends a turn."""
SILENCE_S = 3.0
"""The same where nothing but the registry's `idle` says that it is over (Esc, a Stop that was lost)."""

_HOOKS_KEPT = 32
_NAMES_KEPT = 256
_BULK = {"thinking": "signature", "redacted_thinking": "data"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A Stop or StopFailure hook.

    Attributes:
        prompt_id: None where the CLI is too old to say: then it means the open turn.
        at: Epoch seconds; tells two Stops of one turn apart.
        said: `last_assistant_message`, "" where absent.
        failed: It was StopFailure.
    """

    prompt_id: str | None
    at: float
    said: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSeen:
    """The registry's word on this session; `since`: epoch seconds when it became so."""

    idle: bool
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted:
    """The process that runs now; a turn that is older than it can never go on. `at`: epoch seconds."""

    at: float


@dataclass(frozen=True, slots=True)
class ProcessGone:
    """No process runs."""


@dataclass(frozen=True, slots=True)
class SessionLeft:
    """Claude is in another session now; nothing will be added to this transcript."""


Signal = Stopped | StatusSeen | ProcessStarted | ProcessGone | SessionLeft


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRead:
    """The transcript holds a prompt of a person's (or ours), in this turn."""

    prompt_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    """A finished turn.

    Attributes:
        prompt_id: Claude's id of the turn; the first record's uuid where there is none, or where Claude
            went on under an id whose turn was over.
        at: Epoch seconds of its last record, 0.0 if unknown.
        resume_offset: Byte offset where the next turn's records may begin.
        fields: `turn` (blocks as in the transcript, without the signatures of thinking blocks: kilobytes
            that mean nothing outside the API), `outcome` (finished, interrupted, failed, crashed), `model`
            (of the last answer, None where there was none), `usage` (numbers summed over the turn's
            messages) and, where it failed, `error`: the text that Claude Code shows.
    """

    prompt_id: str
    at: float
    resume_offset: int
    fields: Mapping[str, Any]


News = PromptRead | TurnEnded


@dataclass(slots=True)
class _Turn:
    key: str
    """The name it is told under."""
    prompt_id: str
    """Claude's name for it, which hooks and records use; the key where it has none."""
    start: int
    opened_at: float
    at: float
    asked: bool = False
    answered_first: bool = False
    """It began with an answer: its prompt is not written yet, or there is none."""
    blocks: list[Block] = field(default_factory=list)
    usage: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    model: str | None = None
    last: AssistantBlocks | None = None
    said: str = ""
    """Texts of the last message, joined."""
    closed: bool = False
    """Its mark was read."""
    sent_back: Stopped | None = None
    """A Stop that another Stop hook overruled: Claude went on."""


class TurnAssembler:
    """Puts the turns of one transcript together. `now_s` is the caller's monotonic clock, never wall time."""

    def __init__(self, *, offset: int = 0, since: float = 0.0, now_s: float = 0.0) -> None:
        """Begin at a byte offset of the transcript.

        Args:
            offset: Where reading begins: a line's first byte.
            since: Epoch seconds; older records are another life's (a resumed or forked conversation) and
                were told there, or never were ours.
            now_s: The caller's clock.
        """
        self._read_to = offset
        self._since = since
        self._touched_s = now_s
        self._turn: _Turn | None = None
        self._stops: dict[str, Stopped] = {}
        self._over: dict[str, None] = {}
        self._status: StatusSeen | None = None
        self._started_at = 0.0
        self._gone = False
        self._left = False
        self.last_at = since
        """Epoch seconds of the newest record read."""

    @property
    def resume_offset(self) -> int:
        """Where a later reader must begin to see the open turn whole; the end of what was read if none is."""
        return self._read_to if self._turn is None else self._turn.start

    @property
    def is_open(self) -> bool:
        """Whether a turn is under way."""
        return self._turn is not None

    # ------------------------------------------------------------------------------------------- evidence

    def read(self, offset: int, record: Record | None, *, now_s: float) -> list[News]:
        """Take one line of the transcript: the offset behind it, and what it says (None: nothing)."""
        if offset <= self._read_to:
            # The file was replaced and is read again, and its turns with it; whoever records them knows them.
            self._turn, self._read_to = None, 0
            self._over.clear()
        start, self._read_to, self._touched_s = self._read_to, offset, now_s
        if record is None or 0.0 < record.at < self._since:
            return []
        self.last_at = max(self.last_at, record.at)
        match record:
            case Prompt():
                return self._prompt(record, start)
            case AssistantBlocks():
                self._assistant(record, start)
                return self._told_whole()
            case ToolResult() if self._turn is not None:
                self._went_on(self._turn)
                self._add(self._turn, record.blocks, record.at)
            case Interrupted() if self._turn is not None:
                self._turn.at = record.at
                return self._end("interrupted", offset)
            case TurnClosed() if self._turn is not None:
                self._turn.at = max(self._turn.at, record.at)
                self._turn.closed = True
                return self._closed_whole()
            case _:
                pass  # the tail of a turn that was told already
        return []

    def hear(self, signal: Signal, *, now_s: float) -> list[News]:
        """Take what was seen beside the transcript; a second time it changes nothing."""
        match signal:
            case Stopped():
                return self._stop(signal, now_s)
            case StatusSeen() if signal != self._status:
                self._status, self._touched_s = signal, now_s
            case ProcessStarted(at=at) if at != self._started_at or self._gone:
                self._started_at, self._gone, self._touched_s = at, False, now_s
            case ProcessGone() if not self._gone:
                self._gone, self._touched_s = True, now_s
            case SessionLeft() if not self._left:
                self._left, self._touched_s = True, now_s
            case _:
                pass  # known
        return []

    def look(self, *, now_s: float) -> list[News]:
        """Return what has ended because nothing more came; call it at `due_s`."""
        due_s = self.due_s()
        if self._turn is None or due_s is None or now_s < due_s:
            return []
        return self._end(self._silent_outcome(self._turn), self._read_to)

    def due_s(self) -> float | None:
        """Return when to `look` next on the caller's clock, None: not before something else is seen."""
        turn = self._turn
        if turn is None:
            return None
        if self._left or self._is_crashed(turn):
            return self._touched_s + SETTLE_S
        stop = self._stop_of(turn)
        if turn.closed:
            return self._touched_s + (SETTLE_S if stop is None or _is_said(stop, turn) else SILENCE_S)
        status = self._status
        # An `idle` from before the turn began is news of the turn before.
        busy = status is not None and not (status.idle and status.since >= turn.opened_at)
        if busy or (stop is None and status is None):
            return None
        if stop is not None and _is_said(stop, turn):
            return self._touched_s + SETTLE_S
        return self._touched_s + SILENCE_S

    # -------------------------------------------------------------------------------------------- records

    def _prompt(self, prompt: Prompt, start: int) -> list[News]:
        ended: list[News] = []
        turn = self._turn
        if turn is not None and _is_late(prompt, turn):
            turn.key, turn.prompt_id = self._names(prompt.prompt_id, prompt.uuid, turn.start)
            turn.opened_at, turn.answered_first = prompt.at, False
        else:
            if turn is None or not _belongs(prompt, turn):
                ended = self._supersede(start)
                turn = self._open(prompt.prompt_id, prompt.uuid, prompt.at, start)
            self._went_on(turn)
        turn.at = max(turn.at, prompt.at)
        if prompt.meta:
            return ended
        turn.asked = True
        return [*ended, PromptRead(prompt_id=turn.key, text=prompt.text), *self._closed_whole()]

    def _assistant(self, record: AssistantBlocks, start: int) -> None:
        turn = self._turn
        if turn is None:
            turn = self._open(None, record.uuid, record.at, start)
            turn.answered_first = True
        self._went_on(turn)
        text = "".join(str(block.get("text", "")) for block in record.blocks if block.get("type") == "text")
        same = turn.last is not None and turn.last.message_id == record.message_id
        turn.said = f"{turn.said}{text}" if same else text
        turn.last = record
        turn.usage[record.message_id or record.uuid] = record.usage
        turn.model = record.model or turn.model
        self._add(turn, record.blocks, record.at)

    def _add(self, turn: _Turn, blocks: tuple[Block, ...], at: float) -> None:
        turn.blocks.extend(_published(block) for block in blocks)
        turn.at = max(turn.at, at)

    def _open(self, prompt_id: str | None, uuid: str, at: float, start: int) -> _Turn:
        key, name = self._names(prompt_id, uuid, start)
        self._turn = _Turn(key=key, prompt_id=name, start=start, opened_at=at, at=at)
        return self._turn

    def _names(self, prompt_id: str | None, uuid: str, start: int) -> tuple[str, str]:
        """Return the name a turn is told under, and Claude's name for it."""
        is_new = prompt_id is not None and prompt_id not in self._over
        key = prompt_id if is_new and prompt_id is not None else uuid or f"offset-{start}"
        return key, prompt_id or key

    def _went_on(self, turn: _Turn) -> None:
        """Forget a Stop whose last words were read already: a Stop hook sent Claude on."""
        stop = self._stop_of(turn)
        if stop is not None and _is_said(stop, turn):
            turn.sent_back = self._stops.pop(turn.prompt_id)

    # ------------------------------------------------------------------------------------------------ ends

    def _stop(self, stop: Stopped, now_s: float) -> list[News]:
        turn = self._turn
        key = stop.prompt_id or (turn.prompt_id if turn is not None else None)
        if key is None or self._stops.get(key) == stop or (turn is not None and turn.sent_back == stop):
            return []
        self._stops[key] = stop
        self._touched_s = now_s
        _forget(self._stops, _HOOKS_KEPT)
        return self._told_whole()

    def _supersede(self, start: int) -> list[News]:
        turn = self._turn
        return [] if turn is None else self._end(self._silent_outcome(turn), start)

    def _told_whole(self) -> list[News]:
        """End the open turn if its Stop has come and its last words were read, and nothing can follow those.

        A failure has no mark; the mark of another turn was read before.
        """
        turn = self._turn
        stop = self._stop_of(turn) if turn is not None else None
        if turn is None or stop is None or not _is_said(stop, turn):
            return []
        return self._end("failed", self._read_to) if stop.failed else self._closed_whole()

    def _closed_whole(self) -> list[News]:
        """End the open turn if its mark was read, and prompt and last words with it."""
        turn = self._turn
        if turn is None or not turn.closed or turn.answered_first or turn.last is None:
            return []
        stop = self._stop_of(turn)
        if stop is not None and not _is_said(stop, turn):
            return []
        return self._end(self._stopped_outcome(turn), self._read_to)

    def _end(self, outcome: str, resume_offset: int) -> list[News]:
        turn, self._turn = self._turn, None
        if turn is None or not (turn.asked or turn.blocks):
            return []  # a local command, a `!` line without an answer: no turn of Claude's
        self._over[turn.key] = None
        _forget(self._over, _NAMES_KEPT)
        fields: dict[str, Any] = {
            "turn": turn.blocks,
            "usage": _summed(turn.usage.values()),
            "outcome": outcome,
            "model": turn.model,
        }
        if outcome == "failed":
            stop = self._stop_of(turn)
            fields["error"] = turn.said or (stop.said if stop is not None else "")
        return [TurnEnded(prompt_id=turn.key, at=turn.at, resume_offset=resume_offset, fields=fields)]

    def _stop_of(self, turn: _Turn) -> Stopped | None:
        stop = self._stops.get(turn.prompt_id)
        # An id may serve twice; a Stop from before the turn began was the other turn's.
        return stop if stop is not None and stop.at >= turn.opened_at else None

    def _is_crashed(self, turn: _Turn) -> bool:
        return self._gone or self._started_at > turn.opened_at > 0.0

    def _stopped_outcome(self, turn: _Turn) -> str:
        stop = self._stop_of(turn)
        failed = (stop is not None and stop.failed) or (turn.last is not None and turn.last.error)
        return "failed" if failed else "finished"

    def _silent_outcome(self, turn: _Turn) -> str:
        outcome = self._stopped_outcome(turn)
        if outcome == "failed" or turn.closed or self._stop_of(turn) is not None:
            return outcome
        if turn.last is not None and turn.last.stop_reason not in {None, "tool_use", "pause_turn"}:
            return "finished"
        return "crashed" if self._is_crashed(turn) else "interrupted"


def _is_late(prompt: Prompt, turn: _Turn) -> bool:
    """Tell whether a prompt is what the open turn answers, written behind the answer."""
    return turn.answered_first and not prompt.queued and 0.0 < prompt.at <= turn.opened_at


def _belongs(prompt: Prompt, turn: _Turn) -> bool:
    """Tell whether a prompt is part of the open turn: a hook's feedback, a command's output, a queued one."""
    if prompt.queued or (prompt.prompt_id is None and prompt.meta):
        return True
    return prompt.prompt_id == turn.prompt_id and (prompt.meta or not turn.asked)


def _is_said(stop: Stopped, turn: _Turn) -> bool:
    said = "".join(stop.said.split())
    # A failure always has a text; an empty one was not understood, and its record may be on its way.
    return (bool(said) or not stop.failed) and "".join(turn.said.split()).endswith(said)


def _published(block: Block) -> Block:
    bulk = _BULK.get(str(block.get("type")))
    return {key: value for key, value in block.items() if key != bulk} if bulk in block else block


def _summed(usages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for usage in usages:
        for key, value in usage.items():
            before = total.get(key)
            if isinstance(value, Mapping):
                total[key] = _summed((before if isinstance(before, dict) else {}, value))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                total[key] = value + (before if isinstance(before, int | float) else 0)
    return total


def _forget(kept: dict[str, Any], limit: int) -> None:
    while len(kept) > limit:
        del kept[next(iter(kept))]
