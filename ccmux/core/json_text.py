"""Changes a JSON text of somebody else's in one place; every other byte stays as its owner wrote it.

It knows where members stand and how the text is indented, and nothing of what they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

_BLANK = re.compile(r"[ \t\r\n]*")
_INDENTED_KEY = re.compile(r'\n([ \t]+)"')
_MARGIN = re.compile(r"(?:^|\n)([ \t]*)$")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, or of an array: then `key` is "" and `start` is `value_start`."""

    key: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Container:
    """Where an object or array stands: its bracket, its other bracket, what is between them, in order."""

    start: int
    end: int
    members: Sequence[Member]

    def member(self, key: str) -> Member | None:
        """Return the member of this key that counts: the last one."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def read_object(content: bytes) -> tuple[str, dict[str, Any]] | str:
    """Return a file's text and the object it is, or why it is none that can be changed."""
    try:
        text = content.decode()
        root = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    except json.JSONDecodeError as error:
        return f"line {error.lineno} column {error.colno}: {error.msg}"
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:
        return str(error)
    return (text, root) if isinstance(root, dict) else "the whole is no JSON object"


def root_of(text: str) -> Container:
    """Return the object that the whole text is."""
    return container_at(text, _skip(text, 0))


def container_at(text: str, start: int) -> Container:
    """Return the object or array that begins at `start`; the text is JSON."""
    closing = "}" if text[start] == "{" else "]"
    members: list[Member] = []
    at = _skip(text, start + 1)
    while text[at] != closing:
        key, value_start = "", at
        if closing == "}":
            key, key_end = _DECODER.raw_decode(text, at)
            value_start = _skip(text, _skip(text, key_end) + 1)
        _, end = _DECODER.raw_decode(text, value_start)
        members.append(Member(key, at, value_start, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return Container(start, at, members)


def value_of(text: str, member: Member) -> Any:
    """Return what a member's value is."""
    return _DECODER.raw_decode(text, member.value_start)[0]


def with_value(text: str, member: Member, value: Any) -> str:
    """Return the text with another value for a member."""
    margin = _margin(text, member.start)
    new = _dump(value, unit(text) if margin is not None else None, margin or "")
    return text[: member.value_start] + _newlines(new, text) + text[member.end :]


def with_member(text: str, target: Container, key: str, value: Any) -> str:
    """Return the text with one more member at the end of `target`, in the manner of the one before it.

    `key` is "" in an array.
    """
    step = unit(text)
    name = "" if text[target.start] == "[" else f"{json.dumps(key)}: "
    last = target.members[-1] if target.members else None
    if last is None:
        # An empty container's members go one step deeper than the line it begins on.
        margin = _line_margin(text, target.start) + (step or "")
        inner = name + _dump(value, step, margin)
        body = inner if step is None else f"\n{margin}{inner}\n{_line_margin(text, target.start)}"
        return text[: target.start + 1] + _newlines(body, text) + text[target.end :]
    own_line = _margin(text, last.start)
    if own_line is None:
        body = f", {name}{_dump(value, None, '')}"
    else:
        body = f",\n{own_line}{name}{_dump(value, step, own_line)}"
    return text[: last.end] + _newlines(body, text) + text[last.end :]


def without_member(text: str, target: Container, member: Member) -> str:
    """Return the text without a member of `target`, and without the comma it needed."""
    at = target.members.index(member)
    if len(target.members) == 1:
        return text[: target.start + 1] + text[target.end :]
    if at == 0:
        return text[: member.start] + text[target.members[1].start :]
    return text[: target.members[at - 1].end] + text[member.end :]


def new_text(root: dict[str, Any]) -> str:
    """Return the text of a new file."""
    return _dump(root, "  ", "") + "\n"


def unit(text: str) -> str | None:
    """Return one step of indentation as the file has it; None for a file on one line."""
    first = _INDENTED_KEY.search(text)
    if first is not None:
        return first[1]
    return "  " if "\n" in text.strip() or text.strip() == "{}" else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _margin(text: str, at: int) -> str | None:
    """Return the white space that leads the line up to `at`, or None where something else stands there."""
    match = _MARGIN.search(text, 0, at)
    return match[1] if match else None


def _line_margin(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _dump(value: Any, step: str | None, margin: str) -> str:
    return json.dumps(value, indent=step).replace("\n", "\n" + margin)


def _newlines(part: str, text: str) -> str:
    return part.replace("\n", "\r\n") if "\r\n" in text else part
