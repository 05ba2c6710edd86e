"""Decides what the project's `.mcp.json` must say so that Claude Code finds our MCP server.

Only our own entry's text is written anew; every other byte of the file stays as its owner wrote it. What
cannot be read is left alone and said. The entry carries no secret: Claude Code puts the token in from its
environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

FILE_NAME = ".mcp.json"
SERVER_NAME = "ccmux"
TOKEN_VARIABLE = "CCMUX_TOKEN"  # noqa: S105 - the variable's name, not its value

_SERVERS = "mcpServers"
_STDIO_KEYS = frozenset({"command", "args", "env"})
_BLANK = re.compile(r"[ \t\r\n]*")
_INDENTED_KEY = re.compile(r'\n([ \t]+)"')
_MARGIN = re.compile(r"(?:^|\n)([ \t]*)$")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Our entry stands there already."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The whole file as it should be."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Unparsable:
    """The file is no configuration that we can read: leave it alone and tell its owner `reason`."""

    reason: str


Renewal = Unchanged | Updated | Unparsable


def entry(port: int) -> dict[str, Any]:
    """Return our server's entry.

    `alwaysLoad` puts the tools into Claude's list from the first request on; without it they are deferred.
    """
    return {
        "type": "http",
        "url": f"http://127.0.0.1:{port}/mcp",
        "headers": {"Authorization": f"Bearer ${{{TOKEN_VARIABLE}}}"},
        "alwaysLoad": True,
    }


def renewed(content: bytes | None, port: int) -> Renewal:
    """Return what becomes of the file `content` (None: there is no file).

    Further keys in our entry (a `timeout`, say) are its owner's and stay, but for those of a stdio server,
    which an entry of type http cannot have.
    """
    if content is None or not content.strip():
        return Updated(_dump({_SERVERS: {SERVER_NAME: entry(port)}}, "  ", "").encode() + b"\n")
    try:
        text = content.decode()
        root = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        return Unparsable(f"byte {error.start} is not UTF-8")
    except json.JSONDecodeError as error:
        return Unparsable(f"line {error.lineno} column {error.colno}: {error.msg}")
    except RecursionError:
        return Unparsable("nested too deeply")
    except ValueError as error:
        return Unparsable(str(error))
    if not isinstance(root, dict):
        return Unparsable("the whole is no JSON object")
    servers = root.get(_SERVERS, {})
    if not isinstance(servers, dict):
        return Unparsable(f"{_SERVERS} is no JSON object")
    kept = servers.get(SERVER_NAME)
    ours = entry(port)
    if isinstance(kept, dict):
        ours = {key: value for key, value in kept.items() if key not in _STDIO_KEYS} | ours
        if ours == kept:
            return Unchanged()
    new = _spliced(text, _object_at(text, _BLANK.match(text, 0).end()), ours)  # type: ignore[union-attr]
    return Updated(new.encode())


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    key_start: int
    value_start: int
    value_end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """Where an object stands in the text: its `{`, its `}`, and the last member of each key."""

    start: int
    end: int
    members: Mapping[str, _Member]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _object_at(text: str, start: int) -> _Object:
    members: dict[str, _Member] = {}
    at = _skip(text, start + 1)
    while text[at] != "}":
        key, key_end = _DECODER.raw_decode(text, at)
        value_start = _skip(text, _skip(text, key_end) + 1)
        _, value_end = _DECODER.raw_decode(text, value_start)
        members.pop(key, None)
        members[key] = _Member(key, at, value_start, value_end)
        at = _skip(text, value_end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Object(start, at, members)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _spliced(text: str, root: _Object, ours: Mapping[str, Any]) -> str:
    unit = _unit(text)
    servers = root.members.get(_SERVERS)
    if servers is None:
        return _with_member(text, root, _SERVERS, {SERVER_NAME: ours}, unit)
    inside = _object_at(text, servers.value_start)
    member = inside.members.get(SERVER_NAME)
    if member is None:
        return _with_member(text, inside, SERVER_NAME, ours, unit)
    margin = _margin(text, member.key_start)
    value = _dump(ours, unit if margin is not None else None, margin or "")
    return text[: member.value_start] + _newlines(value, text) + text[member.value_end :]


def _with_member(text: str, target: _Object, key: str, value: Any, unit: str | None) -> str:
    """Return the text with one more member at the end of `target`, in the manner of the one before it."""
    last = max(target.members.values(), key=lambda member: member.key_start, default=None)
    if last is None:
        # An empty object's members go one step deeper than the line it begins on.
        margin = _line_margin(text, target.start) + (unit or "")
        inner = f"{json.dumps(key)}: {_dump(value, unit, margin)}"
        body = inner if unit is None else f"\n{margin}{inner}\n{_line_margin(text, target.start)}"
        return text[: target.start + 1] + _newlines(body, text) + text[target.end :]
    own_line = _margin(text, last.key_start)
    if own_line is None:
        body = f", {json.dumps(key)}: {_dump(value, None, '')}"
    else:
        body = f",\n{own_line}{json.dumps(key)}: {_dump(value, unit, own_line)}"
    return text[: last.value_end] + _newlines(body, text) + text[last.value_end :]


def _unit(text: str) -> str | None:
    """Return one step of indentation as the file has it; None for a file on one line."""
    first = _INDENTED_KEY.search(text)
    if first is not None:
        return first[1]
    return "  " if "\n" in text.strip() or text.strip() == "{}" else None


def _margin(text: str, at: int) -> str | None:
    """Return the white space that leads the line up to `at`, or None where something else stands there."""
    match = _MARGIN.search(text, 0, at)
    return match[1] if match else None


def _line_margin(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _dump(value: Any, unit: str | None, margin: str) -> str:
    return json.dumps(value, indent=unit).replace("\n", "\n" + margin)


def _newlines(part: str, text: str) -> str:
    return part.replace("\n", "\r\n") if "\r\n" in text else part
