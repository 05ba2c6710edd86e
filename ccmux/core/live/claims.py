"""Which session each response of the API counts for: once, whoever repeats it.

One response stands in several lines; a forked or resumed session begins with a copy of another's history; a
side question (`/btw`) replays a response under another request id. It keeps numbers in the place of ids: a
year of work on one machine must fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from hashlib import blake2b
from zlib import crc32

_ANY = 0
"""The request of a response whose request id is not known, or may be another one: all match it."""


class Claim(Enum):
    """Whose a response is."""

    NEW = auto()
    """Nobody showed it before: it is this session's from now on."""
    OURS = auto()
    """This session showed it before."""
    THEIRS = auto()
    """Another session showed it first."""


class Claims:
    """Who claimed which response; the sessions' ids are the keys."""

    def __init__(self) -> None:
        self._by_session: dict[str, dict[int, int]] = {}
        self._news: dict[str, dict[int, int]] = {}

    def claim(self, session_id: str, message_id: str, request_id: str, *, sidechain: bool) -> Claim:
        """Claim a response for a session, unless somebody has it.

        Args:
            session_id: Who shows it.
            message_id: The API's id of it.
            request_id: "" where the record has none: then the message's id alone tells.
            sidechain: It may be a replay, which has a request id of its own.

        """
        key = number(message_id)
        request = _ANY if sidechain or not request_id else crc32(request_id.encode()) or 1
        for owner, held in self._by_session.items():
            if (first := held.get(key)) is not None:
                if _ANY in {first, request} or first == request:
                    return Claim.OURS if owner == session_id else Claim.THEIRS
                # The same message id by another request: some proxies number messages anew.
                return self.claim(session_id, f"{message_id}\0{request_id}", request_id, sidechain=False)
        self._by_session.setdefault(session_id, {})[key] = request
        self._news.setdefault(session_id, {})[key] = request
        return Claim.NEW

    def restore(self, session_id: str, held: Iterable[tuple[int, int]]) -> None:
        """Take back what `news` of an earlier life told of a session."""
        self._by_session.setdefault(session_id, {}).update(held)

    def news(self, session_id: str) -> Mapping[int, int]:
        """Return what this session claimed since the last time, and forget that it is new."""
        return self._news.pop(session_id, {})

    def drop(self, session_id: str) -> None:
        """Let go of all that a session claimed."""
        self._by_session.pop(session_id, None)
        self._news.pop(session_id, None)


def number(id_: str) -> int:
    """Return the number that stands for an id; it fits a signed 64-bit integer and is the same for ever."""
    return int.from_bytes(blake2b(id_.encode(), digest_size=7).digest(), "big")
