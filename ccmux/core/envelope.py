"""One line of a writer's to one message, or to the reason why it is none. It never raises, whatever it reads.

A line whose first character is `{` is a JSON object, every other one is plain text. Text is kept as it was
written; it is cleaned when it is typed. What counts here is that it can be stored, dated and typed at all.

Fields: `content`, and optionally `channel`, `ts`, `meta`, `id`, `attachments`, `unless_waiting`; null means
absent. The older `intent` and `intent_meta` are kept in `meta` under their names. Other fields are ignored: a
sender made for a later version must not lose its mail here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ccmux.core.channel import CHANNEL_RULE, DEFAULT_CHANNEL, believed, is_channel
from ccmux.core.messages import Incoming, Rejected
from ccmux.core.sanitise import clean

KEY_MAX_CHARS = 128
ATTACHMENTS_MAX = 100
PATH_MAX_CHARS = 4_096

TS_MAX_S = 4_102_444_800.0
"""2100-01-01: far enough for any clock, and below every time in milliseconds since 1970-02-17."""

CLAIM_MAX_CHARS = 200
"""So much of a channel that was not believed is kept."""

META_MAX_DEPTH = 64
"""Far below the depth at which writing it again could fail where the reading did not."""

CLAIMED = "claimed_channel"
_OLDER = ("intent", "intent_meta")

_decode = msgspec.json.Decoder().decode
_CERTAIN = re.compile(r"[!-~]")
"""A text with one of these is not empty after cleaning; it saves the cleaning of nearly all."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_line(line: bytes, *, fifo_channel: str, now_s: float) -> Incoming | Rejected:
    """Return the message a line means.

    Args:
        line: Without its newline.
        fifo_channel: The channel of the FIFO it came through. A claim to speak for another than it or one
            below it is not believed: kept in `meta`, no more.
        now_s: Epoch seconds, the time of a message that names none.

    """
    if line.lstrip()[:1] == b"{":
        return _parse_json(line, channel=fifo_channel, any_channel=False, now_s=now_s)
    try:
        content = line.decode()
    except UnicodeDecodeError:
        return Rejected(channel=fifo_channel, raw=line, reason=_not_text(line))
    if not _says_something(content):
        return Rejected(channel=fifo_channel, raw=line, reason="nothing visible in it")
    return Incoming(channel=fifo_channel, content=content, ts=now_s)


def parse_object(obj: Mapping[str, Any], *, channel: str, now_s: float) -> Incoming | Rejected:
    """Return the message an object means that was decoded elsewhere; as `parse_line` in all else."""
    try:
        raw = json.dumps(obj, skipkeys=True, default=str).encode()
    except (ValueError, RecursionError):
        return Rejected(channel=channel, raw=b"", reason="cannot be written as JSON")
    return _parse_json(raw, channel=channel, any_channel=False, now_s=now_s)


def parse_own(raw: bytes, *, now_s: float) -> Incoming | Rejected:
    """Return the message that the user's own program wrote (`ccmux send`): any valid channel is believed."""
    return _parse_json(raw, channel=DEFAULT_CHANNEL, any_channel=True, now_s=now_s)


def _parse_json(raw: bytes, *, channel: str, any_channel: bool, now_s: float) -> Incoming | Rejected:
    try:
        fields = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # msgspec says either of bytes that are no text, by its version.
        fields = _not_text(raw) or _with_lone_surrogates(raw) or f"not valid JSON: {error}"
    except RecursionError:
        fields = "nested too deeply"
    if not isinstance(fields, dict):
        reason = fields if isinstance(fields, str) else "not a JSON object"
        return Rejected(channel=channel, raw=raw, reason=reason)
    return _parsed(fields, raw, channel=channel, any_channel=any_channel, now_s=now_s)


def _with_lone_surrogates(raw: bytes) -> dict[str, Any] | None:
    r"""Decode what msgspec refuses for a `\ud83d` alone, as JavaScript writes a text cut within an emoji."""
    if b"\\u" not in raw:
        return None
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        fields = _decode(_SURROGATE.sub("\ufffd", text))
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _parsed(
    fields: dict[str, Any], raw: bytes, *, channel: str, any_channel: bool, now_s: float
) -> Incoming | Rejected:
    content: Any = fields.get("content")
    ts = fields.get("ts")
    key = fields.get("id")
    unless_waiting = fields.get("unless_waiting")
    attachments = fields.get("attachments")
    claimed = fields.get("channel")
    meta = fields.get("meta")
    if meta is None:
        meta = {}
    wrong = (
        _wrong_content(content)
        or (ts is not None and _wrong_ts(ts))
        or (key is not None and _wrong_key(key, "id"))
        or (unless_waiting is not None and _wrong_key(unless_waiting, "unless_waiting"))
        or (attachments is not None and _wrong_attachments(attachments))
        or (claimed is not None and not isinstance(claimed, str) and "channel is not a string")
        or (not isinstance(meta, dict) and "meta is not an object")
    )
    if not wrong and claimed is not None and claimed != channel:
        if is_channel(claimed) and (any_channel or believed(claimed, channel)):
            channel = claimed
        elif any_channel:
            wrong = f"channel is not {CHANNEL_RULE}"
        else:
            meta[CLAIMED] = claimed[:CLAIM_MAX_CHARS]
    if not wrong:
        meta |= {older: fields[older] for older in _OLDER if older in fields}
        wrong = bool(meta) and _wrong_meta(meta)
    if wrong:
        return Rejected(channel=channel, raw=raw, reason=wrong)
    return Incoming(
        channel=channel,
        content=content,
        ts=now_s if ts is None else float(ts),
        key=key,
        meta=meta,
        attachments=tuple(attachments or ()),
        unless_waiting=unless_waiting,
    )


def _wrong_content(content: object) -> str:
    if not isinstance(content, str):
        return "content is missing" if content is None else "content is not a string"
    return "" if _says_something(content) else "nothing visible in content"


def _says_something(content: str) -> bool:
    return _CERTAIN.search(content) is not None or clean(content) != ""


def _wrong_ts(ts: object) -> str:
    # bool is an int to Python, not to JSON
    if isinstance(ts, bool) or not isinstance(ts, int | float):
        return "ts is not a number of epoch seconds"
    if 0 <= ts <= TS_MAX_S:
        return ""
    return "ts is not epoch seconds between 1970 and 2100" + ("; milliseconds?" if ts > TS_MAX_S else "")


def _wrong_key(key: object, field: str) -> str:
    if not isinstance(key, str):
        return f"{field} is not a string"
    if not 0 < len(key) <= KEY_MAX_CHARS:
        return f"{field} has {len(key)} characters, not 1 to {KEY_MAX_CHARS}"
    return f"control characters in {field}" if _CONTROL.search(key) else ""


def _wrong_attachments(attachments: object) -> str:
    if not isinstance(attachments, list) or len(attachments) > ATTACHMENTS_MAX:
        return f"attachments is not a list of at most {ATTACHMENTS_MAX} paths"
    for path in attachments:
        if not isinstance(path, str) or not path.startswith("/") or len(path) > PATH_MAX_CHARS:
            return "an attachment is not an absolute path"
        if _CONTROL.search(path):
            return "control characters in an attachment's path"
    return ""


def _wrong_meta(meta: object) -> str:
    level = [meta]
    for _ in range(META_MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return f"meta is nested more than {META_MAX_DEPTH} deep" if level else ""


def _inside(outer: object) -> Iterable[object]:
    if isinstance(outer, dict):
        return outer.values()
    return outer if isinstance(outer, list) else ()


def _not_text(raw: bytes) -> str:
    """Return why these bytes are no UTF-8, "" where they are."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8: byte {raw[error.start]:#04x}"
    return ""
