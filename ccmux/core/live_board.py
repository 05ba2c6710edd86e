"""What a relay shows: the sessions of every source that was heard of lately. It reads no clock.

A source is one publisher, most often one machine. Its heartbeat replaces what it said before, never what
another one said; a body that cannot be read changes nothing. What is kept is bounded by the number of sources
and by the size of a body, however long it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

EXPIRY_S: Final = 60.0
"""A source without a heartbeat for so long is not at work any more."""

BODY_BYTES: Final = 65_536
"""The longest body of a request; a heartbeat of three sessions has about a thousand."""

SOURCES: Final = 64
"""Sources at once, at most."""

_MOST: Final = 2**53 - 1
"""A browser counts no further exactly."""

_Count = Annotated[int, Meta(ge=0, le=_MOST)]
_Amount = Annotated[int, Meta(ge=0, le=_MOST)] | Annotated[float, Meta(ge=0, le=_MOST)]
_Name = Annotated[str, Meta(max_length=256)]
_Key = Annotated[str, Meta(min_length=1, max_length=256)]


class Session(Struct, frozen=True, kw_only=True):
    """One session as a source tells it and viewers are shown it; keys that are not here are not handed on.

    The keys up to `sensitive` are what older viewers know: they are always there. The others are shown where
    they are told.
    """

    session_id: _Key
    total_tokens: _Count = 0
    tool_calls: _Count = 0
    user_prompts: _Count = 0
    active_time_seconds: _Amount = 0
    last_prompt: str = ""
    project: _Name = ""
    model: _Name = ""
    sensitive: bool = False
    state: _Name | UnsetType = UNSET
    input_tokens: _Count | UnsetType = UNSET
    output_tokens: _Count | UnsetType = UNSET
    cache_creation_input_tokens: _Count | UnsetType = UNSET
    cache_read_input_tokens: _Count | UnsetType = UNSET
    context_tokens: _Count | UnsetType = UNSET
    cost_usd: _Amount | UnsetType = UNSET
    tool_counts: dict[_Name, _Count] | UnsetType = UNSET
    summary: str | UnsetType = UNSET


class Heartbeat(Struct, frozen=True):
    """What a source says of itself; `sessions` None is what older publishers send for none."""

    sessions: tuple[Session, ...] | None = None
    source: _Key | None = None


class Stop(Struct, frozen=True):
    """A source says that its last session has ended."""

    source: _Key | None = None


class Shown(Struct, frozen=True):
    """What viewers are sent; `sessions` None is what older ones are used to where there are none."""

    active: bool
    sessions: list[Session] | None


Body = TypeVar("Body", Heartbeat, Stop)


def read_body(body: bytes, shape: type[Body]) -> Body | str:
    """Return what a request says, or a sentence that says what is wrong; an empty one says nothing."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f'the body must be JSON like {{"sessions": [...], "source": "..."}}: {error}'


@dataclass(frozen=True, slots=True)
class _Said:
    """The last that a source said, and when."""

    sessions: tuple[Session, ...] | None
    at_s: float


class Board:
    """All that is shown."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}

    def __len__(self) -> int:
        """How many sources are at work."""
        return len(self._said)

    def __contains__(self, source: str) -> bool:
        """Whether a source is at work."""
        return source in self._said

    def take(self, source: str, sessions: tuple[Session, ...] | None, *, now_s: float) -> bool:
        """Take a heartbeat; False where it is of a new source and there are too many."""
        if source not in self._said and len(self._said) >= SOURCES:
            return False
        self._said[source] = _Said(sessions, now_s)
        return True

    def stop(self, source: str) -> bool:
        """Forget a source; return whether it was at work."""
        return self._said.pop(source, None) is not None

    def expire(self, *, now_s: float) -> list[str]:
        """Forget sources that were not heard of for too long; return which."""
        gone = [source for source, said in self._said.items() if now_s - said.at_s >= EXPIRY_S]
        for source in gone:
            del self._said[source]
        return gone

    def shown(self) -> Shown:
        """Return what is to be seen now.

        A session that two sources tell of, as a laptop does that has moved to another network, is shown as
        the later one tells it. Sessions keep their places from heartbeat to heartbeat.
        """
        places: dict[str, Session] = {}
        told_at_s: dict[str, float] = {}
        for said in self._said.values():
            for session in said.sessions or ():
                if said.at_s >= told_at_s.get(session.session_id, said.at_s):
                    places[session.session_id] = session
                    told_at_s[session.session_id] = said.at_s
        is_said = any(said.sessions is not None for said in self._said.values())
        return Shown(bool(self._said), list(places.values()) if is_said else None)


def as_json(shown: Shown) -> bytes:
    """Return a message to a viewer."""
    return msgspec.json.encode(shown)
