"""The proof: every message against what Claude's transcripts hold. None missing, none doubled, or which.

It compares what the database says with the prompts that were read, one to one; it reads no file and mends
nothing. Two equal messages are two prompts: a batch is matched with one prompt, in the order of time, before
what is left over is called a double.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ccmux.core.messages import MessageState
from ccmux.core.proof import Match, carries

FRESH_S = 30.0
"""So young a submitted batch may not be in the transcript yet: Claude writes it when its turn begins."""

CLOCKS_APART_S = 5.0
"""A prompt that is older than its typing by more is another one. Claude stamps it, on this machine."""

_HEADER_LINE = re.compile(r"\[\d\d:\d\d [A-Za-z0-9][A-Za-z0-9_.-]*\][^\n]*")
_SIGNS = re.compile(r"[^A-Za-z0-9]+")

_TAKEN = frozenset({MessageState.SUBMITTED, MessageState.STARTED, MessageState.ANSWERED})
"""Claude took a message in one of these, the database says."""
_WAITING = frozenset({MessageState.QUEUED, MessageState.TYPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedBatch:
    """What was typed once for the messages `ids`.

    Attributes:
        typed_at: Epoch seconds just before its first key.
        prompt_id: Claude's id of the turn that carried it, None where nobody reported it.
        session_id: The conversation it went into, "" where no turn has told.
    """

    ids: tuple[int, ...]
    lead: str
    body: str
    typed_at: float
    prompt_id: str | None
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the database says of the messages in question.

    Attributes:
        states: Of every message, by its number. `dropped` is a word of its own, for a dead letter let go of.
        batches: Those that messages were typed in, in the order of typing.
        hosted: (epoch seconds since when, session) of every conversation that was hosted, oldest first.
    """

    states: Mapping[int, str]
    batches: Sequence[TypedBatch]
    hosted: Sequence[tuple[float, str]] = ()

    def session_of(self, batch: TypedBatch) -> str:
        """Return the conversation a batch went into, "" where that is not known."""
        if batch.session_id:
            return batch.session_id
        return next((name for since, name in reversed(self.hosted) if since <= batch.typed_at), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A prompt as a transcript holds it; `at` in epoch seconds, 0 where absent."""

    session_id: str
    prompt_id: str | None
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the proof says; tuples hold numbers of messages, in order.

    Attributes:
        received: How many messages there are in all.
        states: How many there are in each state.
        answered: Answered, and proved.
        waiting: Not typed yet, or being typed.
        in_flight: Claude has them and has not answered yet.
        missing: Claude took them, the database says, and no transcript carries them.
        doubled: More than one prompt carries them.
        uncertain: Typed, and nobody knows yet.
        unprovable: Their conversation's transcript is not there any more.
        dead: Dead letters, dropped or not.
    """

    received: int
    states: Mapping[str, int] = field(default_factory=dict)
    answered: int = 0
    waiting: tuple[int, ...] = ()
    in_flight: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    doubled: tuple[int, ...] = ()
    uncertain: tuple[int, ...] = ()
    unprovable: tuple[int, ...] = ()
    dead: tuple[int, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing and nothing doubled."""
        return not self.missing and not self.doubled


def prove(ledger: Ledger, prompts: Iterable[Carried], *, gone: Collection[str], now_s: float) -> Verdict:
    """Return what the transcripts prove.

    Args:
        ledger: Read before the transcripts were: so what it calls taken must be in them.
        prompts: Every prompt of every conversation that was hosted, once each.
        gone: Sessions whose transcript is not there any more.
        now_s: Epoch seconds.
    """
    matched = _Matching(_once_each(prompts))
    matched.match(ledger.batches)
    proved = {id_ for batch in matched.proved for id_ in batch.ids}
    unproved = {id_: batch for batch in matched.unproved for id_ in batch.ids}
    answered = 0
    lists: dict[str, list[int]] = defaultdict(list)
    for id_, state in ledger.states.items():
        if state in _WAITING:
            lists["waiting"].append(id_)
        elif state == MessageState.UNCERTAIN:
            lists["uncertain"].append(id_)
        elif state not in _TAKEN:
            lists["dead"].append(id_)
        elif id_ not in proved:
            batch = unproved.get(id_)
            is_gone = batch is not None and ledger.session_of(batch) in gone
            lists["unprovable" if is_gone else _unproved(batch, state, now_s=now_s)].append(id_)
        elif state == MessageState.ANSWERED:
            answered += 1
        else:
            lists["in_flight"].append(id_)
    doubled = {id_ for batch in matched.doubled() for id_ in batch.ids if id_ in ledger.states}
    return Verdict(
        received=len(ledger.states),
        states=dict(Counter(ledger.states.values())),
        answered=answered,
        doubled=tuple(sorted(doubled)),
        **{name: tuple(sorted(ids)) for name, ids in lists.items()},
    )


def _unproved(batch: TypedBatch | None, state: str, *, now_s: float) -> str:
    """Return the list for a message that Claude took, the database says, and that no prompt carries."""
    fresh = batch is not None and state == MessageState.SUBMITTED and now_s - batch.typed_at < FRESH_S
    return "in_flight" if fresh else "missing"


def _once_each(prompts: Iterable[Carried]) -> list[Carried]:
    """Return the prompts in order of time; a conversation that was forked holds copies of old ones."""
    once: dict[tuple[float, str], Carried] = {}
    for number, prompt in enumerate(prompts):
        once.setdefault((prompt.at or -number, prompt.text), prompt)
    return sorted(once.values(), key=lambda prompt: prompt.at)


class _Matching:
    """Batches and prompts, one to one."""

    def __init__(self, prompts: Sequence[Carried]) -> None:
        self._prompts = prompts
        self._lines = [_header_lines(prompt.text) for prompt in prompts]
        self._by_line: dict[str, list[int]] = defaultdict(list)
        self._by_turn: dict[str, list[int]] = defaultdict(list)
        for number, prompt in enumerate(prompts):
            for line in self._lines[number]:
                self._by_line[line].append(number)
            if prompt.prompt_id is not None:
                self._by_turn[prompt.prompt_id].append(number)
        self._used: set[int] = set()
        self.proved: list[TypedBatch] = []
        self.unproved: Sequence[TypedBatch] = ()

    def match(self, batches: Sequence[TypedBatch]) -> None:
        """Give each batch its prompt: by Claude's own id of the turn, then the surest text, then by time."""
        for proofs in ({Match.EXACT}, {Match.WITHIN, Match.FOLLOWED}):
            batches = [batch for batch in batches if not self._give(batch, self._of_turn(batch), proofs)]
        for proof in (Match.EXACT, Match.WITHIN):
            batches = [batch for batch in batches if not self._give(batch, self._of_line(batch), {proof})]
        # Two batches that went into one prompt, the Enter between them lost: only Claude's id can say so.
        self.unproved = [
            batch for batch in batches if not self._give(batch, self._of_turn(batch), _ANY, shared=True)
        ]

    def doubled(self) -> Iterator[TypedBatch]:
        """Yield the batches that a prompt carries which is no batch's own: they were submitted once more."""
        by_line: dict[str, list[TypedBatch]] = defaultdict(list)
        for batch in self.proved:
            by_line[_key(batch.body)].append(batch)
        for number, prompt in enumerate(self._prompts):
            if number not in self._used:
                for line in self._lines[number]:
                    yield from itertools.islice(
                        (batch for batch in by_line.get(line, ()) if _carries(prompt, batch) in _WHOLE), 1
                    )

    def _give(
        self, batch: TypedBatch, numbers: Iterable[int], proofs: Collection[Match], *, shared: bool = False
    ) -> bool:
        for number in numbers:
            if (shared or number not in self._used) and _carries(self._prompts[number], batch) in proofs:
                self._used.add(number)
                self.proved.append(batch)
                return True
        return False

    def _of_turn(self, batch: TypedBatch) -> Sequence[int]:
        return self._by_turn.get(batch.prompt_id, ()) if batch.prompt_id is not None else ()

    def _of_line(self, batch: TypedBatch) -> Iterator[int]:
        """Yield the prompts that hold the batch's first line and are not older than it."""
        for number in self._by_line.get(_key(batch.body), ()):
            at = self._prompts[number].at
            if at == 0 or at >= batch.typed_at - CLOCKS_APART_S:
                yield number


_WHOLE = frozenset({Match.EXACT, Match.WITHIN})
_ANY = _WHOLE | {Match.FOLLOWED}


def _carries(prompt: Carried, batch: TypedBatch) -> Match:
    return carries(prompt.text, lead=batch.lead, body=batch.body)


def _header_lines(text: str) -> frozenset[str]:
    return frozenset(map(_key, _HEADER_LINE.findall(text)))


def _key(text: str) -> str:
    """Return what finds a prompt by its first line: a table's key, no proof. The CLI alters only signs."""
    return _SIGNS.sub("", text.partition("\n")[0])
