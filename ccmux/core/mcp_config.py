"""Decides what the project's `.mcp.json` must say so that Claude Code finds our MCP server.

Only our own entry's text is written anew; every other byte of the file stays as its owner wrote it. What
cannot be read is left alone and said. The entry carries no secret: Claude Code puts the token in from its
environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccmux.core import json_text

FILE_NAME = ".mcp.json"
SERVER_NAME = "ccmux"
TOKEN_VARIABLE = "CCMUX_TOKEN"  # noqa: S105 - the variable's name, not its value

_SERVERS = "mcpServers"
_STDIO_KEYS = frozenset({"command", "args", "env"})


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
        return Updated(json_text.new_text({_SERVERS: {SERVER_NAME: entry(port)}}).encode())
    read = json_text.read_object(content)
    if isinstance(read, str):
        return Unparsable(read)
    text, root = read
    servers = root.get(_SERVERS, {})
    if not isinstance(servers, dict):
        return Unparsable(f"{_SERVERS} is no JSON object")
    kept = servers.get(SERVER_NAME)
    ours = entry(port)
    if isinstance(kept, dict):
        ours = {key: value for key, value in kept.items() if key not in _STDIO_KEYS} | ours
        if ours == kept:
            return Unchanged()
    return Updated(_spliced(text, ours).encode())


def _spliced(text: str, ours: Mapping[str, Any]) -> str:
    root = json_text.root_of(text)
    servers = root.member(_SERVERS)
    if servers is None:
        return json_text.with_member(text, root, _SERVERS, {SERVER_NAME: ours})
    inside = json_text.container_at(text, servers.value_start)
    member = inside.member(SERVER_NAME)
    if member is None:
        return json_text.with_member(text, inside, SERVER_NAME, ours)
    return json_text.with_value(text, member, ours)
