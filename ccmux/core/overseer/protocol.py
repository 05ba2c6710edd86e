"""What clients of the overseer ask: a text to a request, or to what is wrong with it; never an exception.

Unknown fields are passed over and null is as good as left out, as the clients are used to.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ccmux.core.overseer.events import parse_rfc3339, said
from ccmux.core.overseer.retry import RetryPolicy

MESSAGE_BYTES = 1_048_576
"""A longer message ends the connection."""
ID_CHARS = 256

Id = str | int | None
"""What a client puts on a request to know the answer by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Run this command; `task_id` "" is a new name, `command` "" the pinned one."""

    id: Id = None
    task_id: str = ""
    command: str = ""
    args: tuple[str, ...] = ()
    retry_policy: RetryPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """Tell all tasks that started or exited at `since` or later."""

    id: Id = None
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End this task and do not start it again."""

    task_id: str
    id: Id = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Forget what counted against a task that was given up, and start it."""

    task_id: str
    id: Id = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Tell the asking client the newest events of a task, those at `since` or later."""

    task_id: str
    id: Id = None
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Hear of this task, "" is all, and of no other that was not asked for; `on` False: no more of it."""

    on: bool
    task_id: str = ""
    id: Id = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """It is no request; `answer` says why."""

    answer: bytes


Request = Start | List | Stop | Reset | Replay | Subscribe


class _Identified(msgspec.Struct):
    id: str | int | None = None


class _Message(_Identified):
    type: str | None = None
    task_id: str | None = None
    command: str | None = None
    args: list[str] | None = None
    retry_policy: RetryPolicy | None = None
    since: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)
_IDENTIFIED = msgspec.json.Decoder(_Identified)

_NEEDS_TASK = frozenset({"stop", "reset", "replay"})


def parse(text: bytes) -> Request | Wrong:
    """Return the request of a message."""
    try:
        message = _MESSAGE.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _wrong(_id_of(text), "invalid JSON", detail=str(error))
    if isinstance(message.id, str) and len(message.id) > ID_CHARS:
        return _wrong(None, "invalid JSON", detail=f"an id has at most {ID_CHARS} characters")
    kind, task_id = message.type or "", message.task_id or ""
    if len(task_id) > ID_CHARS:
        return _wrong(message.id, f"a task_id has at most {ID_CHARS} characters")
    if kind in _NEEDS_TASK and not task_id:
        return _wrong(message.id, "task_id is required")
    since = parse_rfc3339(message.since) if message.since else None
    if since is None and message.since and kind in {"list", "replay"}:
        return _wrong(message.id, "invalid since timestamp")
    match kind:
        case "start":
            return _start(message, task_id)
        case "list":
            return List(id=message.id, since=since)
        case "stop":
            return Stop(id=message.id, task_id=task_id)
        case "reset":
            return Reset(id=message.id, task_id=task_id)
        case "replay":
            return Replay(id=message.id, task_id=task_id, since=since or 0.0)
        case "subscribe" | "unsubscribe":
            return Subscribe(id=message.id, task_id=task_id, on=kind == "subscribe")
        case _:
            return _wrong(message.id, "unknown message type")


def error(id_: Id, message: str, **facts: str) -> bytes:
    """Return the answer that says no."""
    return said("error", message=message, id=id_, **facts)


def _start(message: _Message, task_id: str) -> Start | Wrong:
    if message.retry_policy is not None and (problem := message.retry_policy.problem()):
        return _wrong(message.id, "invalid JSON", detail=problem)
    command, args = message.command or "", message.args or []
    if "\0" in command or any("\0" in word for word in args):
        return _wrong(message.id, "command and args must not hold a NUL")
    return Start(
        id=message.id,
        task_id=task_id,
        command=command,
        args=tuple(args),
        retry_policy=message.retry_policy,
    )


def _wrong(id_: Id, message: str, **facts: str) -> Wrong:
    return Wrong(error(id_, message, **facts))


def _id_of(text: bytes) -> Id:
    """Return the id of what is no request, where so much of it can be read."""
    try:
        id_ = _IDENTIFIED.decode(text).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return id_ if not isinstance(id_, str) or len(id_) <= ID_CHARS else None
