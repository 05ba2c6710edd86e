"""What a hook tells the publisher of a session: a head line of the shim's, Claude's own payload behind it.

    register PID SENSITIVE
    {"session_id": "...", "transcript_path": "...", "cwd": "..."}

PID is 0 where nobody knows it, SENSITIVE is 1 where nobody may read what Claude is asked. It never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_HEAD = re.compile(rb"(register|unregister) (\d{1,10}) ([01])\n")
_CLEARED = "clear"
"""The reason of a SessionEnd that another session follows at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A session that has begun, or goes on.

    Attributes:
        session_id: Claude's id of it.
        transcript_path: Where it will write; "" where the hook did not say.
        cwd: The folder it works in, "" likewise.
        model: As Claude calls it, "" likewise; the transcript knows better once there is an answer.
        pid: Claude's process, 0 where unknown.
        sensitive: What it is asked is nobody's business.
        at: Epoch seconds.

    """

    session_id: str
    transcript_path: str = ""
    cwd: str = ""
    model: str = ""
    pid: int = 0
    sensitive: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Unregistration:
    """A session that has ended; `cleared`: its Claude goes on at once in another one."""

    session_id: str
    cleared: bool = False


class _Payload(msgspec.Struct):
    session_id: str
    transcript_path: str | None = None
    cwd: str | None = None
    model: str | None = None
    reason: str | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def read_registration(content: bytes, *, at: float) -> Registration | Unregistration | None:
    """Return what a file of the spool says, None where nobody understands it; `at` is when it was written."""
    head = _HEAD.match(content)
    if head is None:
        return None
    try:
        payload = _DECODER.decode(memoryview(content)[head.end() :])
    except (ValueError, RecursionError):
        return None
    if not payload.session_id:
        return None
    if head[1] == b"unregister":
        return Unregistration(payload.session_id, cleared=payload.reason == _CLEARED)
    return Registration(
        session_id=payload.session_id,
        transcript_path=payload.transcript_path or "",
        cwd=payload.cwd or "",
        model=payload.model or "",
        pid=int(head[2]),
        sensitive=head[3] == b"1",
        at=at,
    )


def registration_text(registration: Registration | Unregistration) -> bytes:
    """Return the same as a file of the spool."""
    if isinstance(registration, Unregistration):
        head = b"unregister 0 0\n"
        payload = _Payload(registration.session_id, reason=_CLEARED if registration.cleared else None)
    else:
        head = b"register %d %d\n" % (registration.pid, registration.sensitive)
        payload = _Payload(
            registration.session_id, registration.transcript_path, registration.cwd, registration.model
        )
    return head + msgspec.json.encode(payload)
