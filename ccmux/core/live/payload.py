"""The bodies that are posted to the relay, byte for byte. Here alone stands what leaves this machine."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import msgspec

from ccmux.core.live.metrics import Totals

HEARTBEAT, STOP = "/api/live/heartbeat", "/api/live/stop"

BODY_BYTES = 65_536
"""A relay takes no more; sessions that do not fit are left out, the oldest first."""
TOOLS = 20
"""So many names of tools are told, the most used ones."""

_NAME_CHARS = 256


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session as the relay knows it.

    The keys up to `sensitive` are those of older publishers and always there. `cost_usd` is left out where
    part of it is not known; `state` is `busy`, `idle`, `waiting` or a word of a later Claude's.
    """

    session_id: str
    total_tokens: int
    tool_calls: int
    user_prompts: int
    active_time_seconds: int
    last_prompt: str
    project: str
    model: str
    sensitive: bool
    state: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    context_tokens: int
    tool_counts: dict[str, int]
    cost_usd: float | None = None


class _Heartbeat(msgspec.Struct, frozen=True):
    source: str
    sessions: Sequence[Session]


class _Stop(msgspec.Struct, frozen=True):
    source: str


def session_of(
    session_id: str, totals: Totals, *, project: str, model: str, state: str, prompt: str, sensitive: bool
) -> Session:
    """Put together what is told of a session; all words are those that may be seen."""
    usage = totals.usage
    most_used = sorted(totals.tools.items(), key=lambda tool: (-tool[1], tool[0]))[:TOOLS]
    return Session(
        session_id=session_id[:_NAME_CHARS],
        total_tokens=usage.total,
        tool_calls=totals.tool_calls,
        user_prompts=totals.user_prompts,
        active_time_seconds=int(totals.active_s),
        last_prompt=prompt,
        project=project[:_NAME_CHARS],
        model=model[:_NAME_CHARS],
        sensitive=sensitive,
        state=state[:_NAME_CHARS],
        input_tokens=usage.fresh,
        output_tokens=usage.output,
        cache_creation_input_tokens=usage.written,
        cache_read_input_tokens=usage.read,
        context_tokens=totals.context,
        tool_counts={name[:_NAME_CHARS]: count for name, count in most_used},
        cost_usd=None if totals.unpriced else round(totals.cost, 4),
    )


def heartbeat(source: str, sessions: Sequence[Session]) -> bytes:
    """Return the body that tells of these sessions, the oldest first."""
    body = msgspec.json.encode(_Heartbeat(source, sessions))
    while len(body) > BODY_BYTES:
        sessions = sessions[1:]
        body = msgspec.json.encode(_Heartbeat(source, sessions))
    return body


def stop(source: str) -> bytes:
    """Return the body that says that the last session has ended."""
    return msgspec.json.encode(_Stop(source))


def source_name(host: str, user: int, secret: bytes) -> str:
    """Return a name for this user on this machine that says neither."""
    return hmac.digest(secret, f"{user}@{host}".encode(), "sha256").hex()[:16]
