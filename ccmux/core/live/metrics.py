"""Counts what one session did, line by line of its transcripts; the counts can be kept and gone on with.

The rules:

- A response of the API counts once, by `message.id` and `requestId`, however many lines repeat it; where the
  lines differ, the one with the most tokens is right: earlier ones were written while Claude still spoke. A
  replay in a sidechain is the same response.
- What a session shows of another session's history, as a fork does, counts for the other one alone.
- A prompt is what a person (or ccmux) asked: no tool's result, no command, no notice of Claude Code's own.
- Active time is the sum of the gaps between a session's records of `user` and `assistant`, each gap cut at
  GAP_S: who thinks for longer is away. Records whose time lies before the newest one add nothing.

A line is bytes from outside: what is not understood counts nothing and breaks nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from ccmux.core.live.claims import Claim, Claims
from ccmux.core.live.prices import Usage, cost_of
from ccmux.core.transcript import Interrupted, Prompt, is_noise, read_record

GAP_S = 300.0
"""So much of a pause counts as work, at the most."""
PROMPT_CHARS = 4_000
"""So much of the newest prompt is kept; less leaves the machine."""

_RECENT = 64
"""A response's lines come close together: so many of the newest may still grow."""
_NOT_A_PROMPT = "<system-reminder>"
_SYNTHETIC = "<synthetic>"
_AT_REST = frozenset({"end_turn", "stop_sequence"})


# What is decoded holds no cycles, so nobody need look for any (gc=False): a tenth of the time.
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class _Cache(msgspec.Struct, gc=False):
    ephemeral_1h_input_tokens: _Tokens | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Tokens | None = None
    cache_creation_input_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    cache_creation: _Cache | None = None
    speed: str | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str = ""
    name: str = ""


class _Message(msgspec.Struct, gc=False):
    id: str = ""
    model: str = ""
    content: str | list[_Block | str] | None = None
    usage: _Usage | None = None
    stop_reason: str | None = None


class _Line(msgspec.Struct, rename="camel", gc=False):
    type: str = ""
    is_sidechain: bool = False
    request_id: str | None = None
    timestamp: str = ""
    uuid: str = ""
    subtype: str = ""
    message: _Message | str | None = None


_DECODER = msgspec.json.Decoder(_Line)


class Recent(msgspec.Struct, array_like=True, gc=False):
    """A response whose lines may still come; `aside`: it was seen in a sidechain alone."""

    request_id: str
    aside: bool
    usage: Usage
    cost: float | None


class Totals(msgspec.Struct, kw_only=True):
    """What a session did so far.

    Attributes:
        fresh, written, written_1h, read, output: Tokens, as `Usage` has them.
        cost: Dollars.
        unpriced: Some of it has no known price: `cost` is not the whole.
        tool_calls: Calls of tools.
        tools: The same by name.
        user_prompts: What Claude was asked.
        active_s: Seconds of activity.
        newest_at: Epoch seconds of the newest record, 0 before the first.
        last_prompt: The newest prompt, at most PROMPT_CHARS of it; "" before the first.
        model: Who answered last, "" before the first answer.
        context: Tokens that Claude was given to read the last time.
        busy: By its last record Claude is at work.
        repeating: The transcript repeats another session's history just now.
        recent: The newest responses that count, by the message's id: they may still grow.
        recent_tools: The newest calls of tools, by their ids.

    """

    fresh: int = 0
    written: int = 0
    written_1h: int = 0
    read: int = 0
    output: int = 0
    cost: float = 0.0
    unpriced: bool = False
    tool_calls: int = 0
    tools: dict[str, int] = {}
    user_prompts: int = 0
    active_s: float = 0.0
    newest_at: float = 0.0
    last_prompt: str = ""
    model: str = ""
    context: int = 0
    busy: bool = False
    repeating: bool = False
    recent: dict[str, Recent] = {}
    recent_tools: list[str] = []

    @property
    def usage(self) -> Usage:
        """All tokens."""
        return Usage(self.fresh, self.written, self.written_1h, self.read, self.output)


class Meter:
    """Counts one session. `totals` is all it knows beside the claims, so it can be kept and handed back."""

    def __init__(self, session_id: str, claims: Claims, totals: Totals | None = None) -> None:
        self.totals = Totals() if totals is None else totals
        self._session_id = session_id
        self._claims = claims
        self._timed = True

    def take(self, line: bytes, *, timed: bool = True) -> None:
        """Count one whole line.

        Args:
            line: Without its newline.
            timed: Whether it counts for the active time. Lines of a subagent's own file do not: they are
                written beside the session's and may be read in any order.

        """
        if is_noise(line):
            return
        self._timed = timed
        try:
            record = _DECODER.decode(line)
        except (ValueError, RecursionError):
            return
        match record.type:
            case "assistant" if isinstance(record.message, _Message):
                self._response(record, record.message)
            case "user":
                self._user(record, line)
            case "attachment":
                self._asked(record, line)
            case "system" if record.subtype == "turn_duration":
                self.totals.busy = False
            case _:
                pass

    # ------------------------------------------------------------------------------------------- responses

    def _response(self, record: _Line, message: _Message) -> None:
        totals = self.totals
        if message.model == _SYNTHETIC:  # Claude Code itself speaks: an error of the API, or a filled gap
            totals.busy = totals.busy and record.is_sidechain
            return
        usage = _NOTHING if message.usage is None else _usage(message.usage)
        totals.repeating = not self._count(record, message, usage)
        self._tick(record)
        if totals.repeating:
            return
        if not record.is_sidechain:
            totals.model = message.model or totals.model
            totals.context = usage.fresh + usage.written + usage.read or totals.context
            totals.busy = message.stop_reason not in _AT_REST
        if isinstance(message.content, list):
            for block in message.content:
                if isinstance(block, _Block) and block.type == "tool_use":
                    self._called(block)

    def _count(self, record: _Line, message: _Message, usage: Usage) -> bool:
        """Count a response's tokens, once; return whether it is this session's."""
        id_, request_id, aside = message.id, record.request_id or "", record.is_sidechain
        recent = self.totals.recent.get(id_)
        # Most lines repeat the response of the line before; nobody else can have claimed that.
        if recent is not None and (recent.aside or aside or _may_be_one(recent.request_id, request_id)):
            is_better = usage.total > recent.usage.total if recent.aside == aside else recent.aside
            if is_better:
                cost = _cost(message, usage)
                self._add(usage, cost, instead_of=recent)
                self.totals.recent[id_] = Recent(request_id, aside, usage, cost)
            return True
        if id_:
            claim = self._claims.claim(self._session_id, id_, request_id, sidechain=aside)
            if claim is not Claim.NEW:
                return claim is Claim.OURS
        cost = _cost(message, usage)
        self._add(usage, cost)
        if id_:
            self.totals.recent[id_] = Recent(request_id, aside, usage, cost)
            if len(self.totals.recent) > _RECENT:
                del self.totals.recent[next(iter(self.totals.recent))]
        return True

    def _add(self, usage: Usage, cost: float | None, *, instead_of: Recent | None = None) -> None:
        totals = self.totals
        before, cost_before = _NOTHING, 0.0
        if instead_of is not None:
            before, cost_before = instead_of.usage, instead_of.cost or 0.0
        totals.fresh += usage.fresh - before.fresh
        totals.written += usage.written - before.written
        totals.written_1h += usage.written_1h - before.written_1h
        totals.read += usage.read - before.read
        totals.output += usage.output - before.output
        totals.cost += (cost or 0.0) - cost_before
        totals.unpriced = totals.unpriced or cost is None

    def _called(self, block: _Block) -> None:
        totals = self.totals
        if block.id:
            if block.id in totals.recent_tools:
                return
            totals.recent_tools.append(block.id)
            del totals.recent_tools[:-_RECENT]
        totals.tool_calls += 1
        totals.tools[block.name] = totals.tools.get(block.name, 0) + 1

    # --------------------------------------------------------------------------------------------- prompts

    def _user(self, record: _Line, line: bytes) -> None:
        content = record.message.content if isinstance(record.message, _Message) else record.message
        if record.is_sidechain:
            self._tick(record)
        elif isinstance(content, list) and any(_is_result(block) for block in content):
            self._tick(record)
            self.totals.busy = True
        else:
            self._asked(record, line)

    def _asked(self, record: _Line, line: bytes) -> None:
        match read_record(line):
            case Prompt(meta=False, text=text) if not text.startswith(_NOT_A_PROMPT):
                self._prompt(record, text)
            case Interrupted():
                self._tick(record)
                self.totals.busy = False
            case _:
                pass

    def _prompt(self, record: _Line, text: str) -> None:
        totals = self.totals
        if record.uuid:
            claim = self._claims.claim(self._session_id, record.uuid, "", sidechain=False)
            totals.repeating = claim is Claim.THEIRS
            if claim is not Claim.NEW:
                return
        self._tick(record)
        totals.user_prompts += 1
        totals.last_prompt = text[:PROMPT_CHARS]
        totals.busy = True

    # ------------------------------------------------------------------------------------------------ time

    def _tick(self, record: _Line) -> None:
        """Add the gap before this record, unless it is history that another session showed."""
        totals, at = self.totals, _at(record.timestamp)
        if at <= totals.newest_at or not self._timed:
            return
        if totals.newest_at and not totals.repeating:
            totals.active_s += min(at - totals.newest_at, GAP_S)
        totals.newest_at = at


_NOTHING = Usage()


def _may_be_one(request_id: str, other: str) -> bool:
    return request_id == other or not request_id or not other


def _usage(said: _Usage) -> Usage:
    written = said.cache_creation_input_tokens or 0
    hour = 0 if said.cache_creation is None else said.cache_creation.ephemeral_1h_input_tokens or 0
    return Usage(
        said.input_tokens or 0,
        written,
        min(hour, written),
        said.cache_read_input_tokens or 0,
        said.output_tokens or 0,
    )


def _cost(message: _Message, usage: Usage) -> float | None:
    """Return dollars; what was asked for at another speed has another price."""
    speed = None if message.usage is None else message.usage.speed
    return cost_of(usage, message.model) if speed in {None, "standard"} else None


def _is_result(block: _Block | str) -> bool:
    return isinstance(block, _Block) and block.type == "tool_result"


def _at(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return 0.0
