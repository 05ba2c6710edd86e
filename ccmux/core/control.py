"""The language of control.sock: one JSON line asks, one JSON line answers, many a connection.

It decides what is a request, how an answer looks, and in which words a message's wait is told. It sends
nothing. Every request may carry `project`: a daemon of another project refuses it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from ccmux.core.envelope import KEY_MAX_CHARS
from ccmux.core.letters import DeadLetter
from ccmux.core.messages import Message, MessageState
from ccmux.core.observation import Hold

SHORTEST_LINE_LIMIT = 2 * 1_048_576
LISTED_CHARS = 2_000
"""Characters of a message's text in a list; one message asked for by its number comes whole."""

OTHER_PROJECT = "other project"
"""The answer's `code` when the daemon is not the one the client means."""


Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""A message's number, as SQLite can hold it."""

KeyOrNumber = Annotated[str, msgspec.Meta(max_length=KEY_MAX_CHARS)] | Number


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag=str.lower):
    project: str = ""


class Send(_Request, frozen=True, kw_only=True):
    """Take a message: an object like a line of a FIFO, with `channel`. Answer: `id`, `key`, `duplicate`.

    Where it is skipped (`unless_waiting`) `id` is null, and there are `skipped`, `waits` and `reason`.
    """

    message: dict[str, Any]


class Status(_Request, frozen=True):
    """Answer: `status`."""


class Messages(_Request, frozen=True, kw_only=True):
    """List the newest messages, newest first. Answer: `messages`."""

    states: tuple[MessageState, ...] = ()
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50


class Show(_Request, frozen=True, kw_only=True):
    """One message, whole, by number or key (a key may stand on several channels). Answer: `messages`."""

    id: KeyOrNumber


class Why(_Request, frozen=True, kw_only=True):
    """Why a message, or "" the head of the queue, is where it is. Answer: `holds`."""

    id: KeyOrNumber = ""


class Dead(_Request, frozen=True, kw_only=True):
    """List the newest dead letters, newest first. Answer: `letters`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50


class Letter(_Request, frozen=True, kw_only=True):
    """One dead letter, whole. Answer: `letter`."""

    id: Number


class Retry(_Request, frozen=True, kw_only=True):
    """Queue a dead letter again, under its own number. Answer: `id`."""

    id: Number


class Drop(_Request, frozen=True, kw_only=True):
    """Take a dead letter off the list. Answer: `id`."""

    id: Number


class Pause(_Request, frozen=True):
    """Hold injection. Answer: `paused`."""


class Resume(_Request, frozen=True):
    """Go on injecting. Answer: `paused`."""


class Interrupt(_Request, frozen=True):
    """Press Escape in a Claude that is at work."""


class Runs(_Request, frozen=True, kw_only=True):
    """Tell the daemon's runs that lived at `since` (epoch seconds; null: all) or later. Answer: `runs`."""

    since: float | None = None


Request = (
    Send | Status | Messages | Show | Why | Dead | Letter | Retry | Drop | Pause | Resume | Interrupt | Runs
)

OPS = (
    *("send", "status", "messages", "show", "why", "dead", "letter", "retry", "drop"),
    *("pause", "resume", "interrupt", "runs"),
)

_REQUEST = msgspec.json.Decoder(Request)


def parse_request(line: bytes) -> Request | str:
    """Return the request of a line, or a sentence that says what is wrong with it; it never raises."""
    try:
        request: Request = _REQUEST.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"this is no request: {error}; write one JSON object a line, its op one of: {', '.join(OPS)}"
    except RecursionError:
        return "this is no request: it is nested too deeply"
    return request


def line_limit(max_message_bytes: int) -> int:
    """Return the longest line control.sock takes: JSON may need two bytes for one of a message's."""
    return max(SHORTEST_LINE_LIMIT, 2 * max_message_bytes + 65_536)


def answer(**facts: Any) -> bytes:
    """Return the line that says yes."""
    return msgspec.json.encode({"ok": True, **facts}) + b"\n"


def refusal(sentence: str, **facts: Any) -> bytes:
    """Return the line that says no; `sentence` names the way out."""
    return msgspec.json.encode({"ok": False, "error": sentence, **facts}) + b"\n"


def told(message: Message, *, whole: bool = False) -> dict[str, Any]:
    """Return a message as lists tell it; its text is cut to LISTED_CHARS unless `whole`."""
    return {
        "id": message.id,
        "channel": message.channel,
        "state": message.state.value,
        "reason": message.reason,
        "key": message.key,
        "ts": message.ts,
        "taken_at": message.taken_at,
        "chars": len(message.content),
        "content": message.content if whole else message.content[:LISTED_CHARS],
        "attachments": list(message.attachments),
        "meta": dict(message.meta),
        "prompt_id": message.prompt_id,
    }


def told_letter(letter: DeadLetter, *, whole: bool = False) -> dict[str, Any]:
    """Return a dead letter as lists tell it; `whole` adds its bytes, in base64 (`verbatim`)."""
    kept = letter.verbatim
    return {
        "id": letter.id,
        "channel": letter.channel,
        "at": letter.at,
        "reason": letter.reason,
        "key": letter.key,
        "kind": "message" if letter.raw is None else "line",
        "bytes": len(kept),
        "whole_bytes": letter.whole_bytes or len(kept),
        "content": letter.content if whole else letter.content[:LISTED_CHARS],
        **({"verbatim": b64encode(kept).decode()} if whole else {}),
    }


WAYS_OUT: Mapping[Hold, str] = {
    Hold.NOT_RUNNING: "ccmux starts Claude again by itself; `ccmux attach` shows what it said last",
    Hold.STARTING: "wait until Claude's input box is there; `ccmux attach` shows a start-up question",
    Hold.TERMINAL_ACTIVE: "stop typing, or detach; [timing] idle_threshold says for how long",
    Hold.GENERATING: "wait for the end of the turn, or `ccmux interrupt`",
    Hold.PERMISSION_PROMPT: "answer it: `ccmux attach`",
    Hold.DIALOG: "close it: `ccmux attach`",
    Hold.DRAFT: "submit or clear the draft: `ccmux attach`",
    Hold.COPY_MODE: "leave it with q: `ccmux attach`",
    Hold.UNKNOWN_SCREEN: "look at it: `ccmux attach`",
    Hold.USAGE_LIMIT: "wait until the limit is reset",
    Hold.LOGIN_NEEDED: "`ccmux attach`, then /login",
    Hold.PAUSED: "`ccmux resume`",
    Hold.SETTLING: "a moment: the screen must stand still",
}
"""What a person can do about each hold."""


EARLY_ENDS = 3
"""From so many ends soon after a start, in a row, another start alone is no way out."""

_ENDS_EARLY = (
    "Claude ends soon after each start: mend what it says, `ccmux attach` shows it; "
    "`ccmux doctor` tells what it may lack"
)


def way_out(hold: str, *, early_ends: int = 0) -> str:
    """Return what a person can do about a hold, "" for a word that is none.

    Args:
        hold: The hold's word.
        early_ends: How often in a row Claude ended soon after its start.
    """
    if hold == Hold.NOT_RUNNING and early_ends >= EARLY_ENDS:
        return _ENDS_EARLY
    return next((says for known, says in WAYS_OUT.items() if known.value == hold), "")


_STATES: Mapping[MessageState, str] = {
    MessageState.QUEUED: "next to be typed",
    MessageState.TYPING: "being typed now",
    MessageState.SUBMITTED: "Claude has it; its turn has not begun yet",
    MessageState.STARTED: "Claude is at work on it",
    MessageState.ANSWERED: "the turn that carried it has ended",
    MessageState.UNCERTAIN: "typed, but not proved; it is looked for before anything is typed again",
    MessageState.DEAD: "given up, see `ccmux dead`",
}


def explained(
    message: Message, *, hold: str, detail: str, now_s: float, early_ends: int = 0
) -> dict[str, Any]:
    """Return why a message is where it is, in words a person can act on.

    Args:
        message: Any message.
        hold: What holds the queue now, "" nothing.
        detail: What the hold is about, "" if there is no more to say.
        now_s: Epoch seconds.
        early_ends: How often in a row Claude ended soon after its start.
    """
    held = message.state is MessageState.QUEUED and hold != ""
    first = hold if held else _STATES[message.state]
    more = detail if held else message.reason
    return {
        "id": message.id,
        "channel": message.channel,
        "state": message.state.value,
        "reason": f"{first}: {more}" if more else first,
        "way_out": way_out(hold, early_ends=early_ends) if held else "",
        "since_s": max(0.0, round(now_s - message.taken_at, 1)),
    }
