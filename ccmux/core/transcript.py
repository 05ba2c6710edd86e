"""Reads one line of Claude Code's transcript: which records make up a turn, and which never matter.

The format is internal to Claude Code ("changes between versions", its documentation says), so every record
is data from outside: unknown kinds, half-written lines and odd shapes are None, never an error. Measured on
2.1.329; see tests/core/test_transcript.py and tests/corpus/transcripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

Block = Mapping[str, Any]
"""One content block of the Messages API, as it stands in the transcript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What Claude was asked.

    Attributes:
        uuid: The record's own id, "" where absent.
        at: Epoch seconds; 0.0 where absent.
        prompt_id: Claude's id of the turn, None where the record has none. A fork or resume may stamp
            many old records with one id.
        text: Text blocks joined by a newline, as submitted.
        meta: Not a person's words (nor ours): a hook's feedback, a task's notification, another session's
            message, the output of a `!` line, a local command.
        queued: Typed while a turn ran and taken into that turn.
    """

    uuid: str
    at: float
    prompt_id: str | None
    text: str
    meta: bool = False
    queued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantBlocks:
    """What Claude said, thought or called: usually one block a record, several records a message.

    Attributes:
        message_id: The API's id; records of one message share it and repeat its usage. "" where absent.
        stop_reason: None while the message was not finished (also where it was interrupted).
        error: Claude Code itself speaks: the API failed, and the text says how.
    """

    uuid: str
    at: float
    message_id: str
    request_id: str
    model: str
    blocks: tuple[Block, ...]
    usage: Mapping[str, Any]
    stop_reason: str | None
    error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What Claude's tools answered."""

    uuid: str
    at: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A person pressed Esc."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnClosed:
    """Claude Code's own mark that the turn is over."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedPrompt:
    """Claude did not take what was submitted, and gave it back into the input box.

    Attributes:
        text: Claude's own words with the prompt in them.
        reason: For a person.
    """

    at: float
    text: str
    reason: str


Record = Prompt | AssistantBlocks | ToolResult | Interrupted | TurnClosed

_MATTERS = frozenset({b"user", b"assistant", b"system", b"attachment"})
_HEAD_CHARS = 256
# `{"type":"api-request-blob",...` and `...,"attachment":{"type":"environment",...`: hundreds of KB that a
# look at their first bytes dismisses. Anything these do not recognise is decoded in full.
_LEADING_TYPE = re.compile(rb'\{"type":"([^"\\]*)"')
_ATTACHMENT = re.compile(rb'"attachment":\{"type":"([^"\\]*)"')

_BLOCKED = b'"promptSubmitEnding"'
_INTERRUPTED = "[Request interrupted by user"
_NOT_A_PERSON = re.compile(
    r"\s*<(local-command-|command-name>|command-message>|bash-input>|bash-stdout>|bash-stderr>|task-notification>)"
)
_SYNTHETIC = "<synthetic>"


def read_record(line: bytes) -> Record | None:
    """Return what this line says about a turn, or None where it says nothing."""
    if is_noise(line):
        return None
    try:
        record = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("isSidechain") is True:
        return None
    match record.get("type"):
        case "user":
            return _user(record)
        case "assistant":
            return _assistant(record)
        case "system":
            return _system(record)
        case "attachment":
            return _attachment(record)
        case _:
            return None


def read_blocked(line: bytes) -> BlockedPrompt | None:
    """Return what this line says about a prompt that a UserPromptSubmit hook forbade, None: nothing."""
    if _BLOCKED not in line or is_noise(line):
        return None
    try:
        record = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None
    told = record.get("promptSubmitEnding") if isinstance(record, dict) else None
    if not isinstance(told, dict) or told.get("promptKept") is not False:
        return None
    ending = told.get("ending")
    if not isinstance(ending, dict) or record.get("type") != "system":
        return None
    kind, said = _text(ending, "kind").replace("_", " "), _text(ending, "reason")
    reason = f"{kind or 'refused'}: {said}" if said else kind or "refused"
    return BlockedPrompt(at=_at(record), text=_text(record, "content"), reason=f"UserPromptSubmit: {reason}")


def is_noise(line: bytes) -> bool:
    """Tell by its first bytes that a line surely is no record of a turn; a beginning of it will do."""
    head = line[:_HEAD_CHARS]
    kind = _LEADING_TYPE.match(head)
    if kind is not None and kind[1] not in _MATTERS:
        return True
    attachment = _ATTACHMENT.search(head)
    return attachment is not None and attachment[1] != b"queued_command"


def _user(record: dict[str, Any]) -> Record | None:
    if record.get("isCompactSummary") is True or record.get("isVisibleInTranscriptOnly") is True:
        return None
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else message
    blocks = _blocks(content)
    uuid, at = _text(record, "uuid"), _at(record)
    results = tuple(block for block in blocks if block.get("type") == "tool_result")
    if results:
        return ToolResult(uuid=uuid, at=at, blocks=results)
    if not blocks:
        return None
    text = _joined(blocks)
    if text.startswith(_INTERRUPTED) and "promptSource" not in record:
        return Interrupted(at=at)
    return Prompt(
        uuid=uuid,
        at=at,
        prompt_id=_text(record, "promptId") or None,
        text=text,
        meta=record.get("isMeta") is True or not _from_a_person(record) or bool(_NOT_A_PERSON.match(text)),
    )


def _assistant(record: dict[str, Any]) -> AssistantBlocks | None:
    message = record.get("message")
    if not isinstance(message, dict):
        message = {"content": message}
    blocks = tuple(_blocks(message.get("content")))
    model, error = _text(message, "model"), record.get("isApiErrorMessage") is True
    # "No response requested." fills a gap in a conversation that was resumed: Claude never said it.
    if not blocks or (model == _SYNTHETIC and not error):
        return None
    usage, stop_reason = message.get("usage"), message.get("stop_reason")
    return AssistantBlocks(
        uuid=_text(record, "uuid"),
        at=_at(record),
        message_id=_text(message, "id"),
        request_id=_text(record, "requestId"),
        model="" if model == _SYNTHETIC else model,
        blocks=blocks,
        usage=usage if isinstance(usage, dict) else {},
        stop_reason=stop_reason if isinstance(stop_reason, str) else None,
        error=error,
    )


def _system(record: dict[str, Any]) -> TurnClosed | None:
    match record.get("subtype"):
        case "turn_duration":
            return TurnClosed(at=_at(record))
        case "stop_hook_summary" if not _sent_back(record):
            return TurnClosed(at=_at(record))
        case _:
            return None


def _sent_back(summary: dict[str, Any]) -> bool:
    """Tell whether a Stop hook made Claude go on: it blocked, or it had something to add."""
    if summary.get("preventedContinuation") is True:
        return False
    added, errors = summary.get("hookAdditionalContext"), summary.get("hookErrors")
    failed = summary.get("failedHookErrorIndexes")
    # A hook that merely failed is listed in both; one that blocked only among the errors.
    blocked = _length(errors) > _length(failed)
    return blocked or _length(added) > 0


def _attachment(record: dict[str, Any]) -> Prompt | None:
    attachment = record.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") != "queued_command":
        return None
    text = _joined(_blocks(attachment.get("prompt")))
    if not text:
        return None
    return Prompt(
        uuid=_text(record, "uuid"),
        at=_at(record),
        prompt_id=None,
        text=text,
        meta=attachment.get("isMeta") is True
        or not _from_a_person(attachment)
        or attachment.get("commandMode", "prompt") != "prompt",
        queued=True,
    )


def _from_a_person(record: dict[str, Any]) -> bool:
    origin = record.get("origin")
    return not isinstance(origin, dict) or origin.get("kind") in {None, "human"}


def _blocks(content: object) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        return []
    shaped = [{"type": "text", "text": block} if isinstance(block, str) else block for block in content]
    return [block for block in shaped if isinstance(block, dict)]


def _joined(blocks: list[dict[str, Any]]) -> str:
    texts = (block.get("text") for block in blocks if block.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _at(record: dict[str, Any]) -> float:
    try:
        return max(0.0, datetime.fromisoformat(_text(record, "timestamp")).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0.0
