"""Calls the tools of the project's `ccmux` MCP server: JSON-RPC over HTTP POST, answers as JSON or SSE.

Every call stands for itself (initialize, then the call), so a server may come and go in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_TIMEOUT_S = 60.0
_PROTOCOL = "2025-11-25"
_CLIENT = {"name": "ccmux-demo-agent", "version": "2.1.329"}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said."""

    text: str
    is_error: bool


class McpClient:
    """The server `ccmux` of a folder's `.mcp.json`; the file is read at each call."""

    def __init__(self, cwd: str, environ: Mapping[str, str]) -> None:
        self._path = Path(cwd) / ".mcp.json"
        self._environ = environ

    def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool and wait for its result; whatever goes wrong is a result with `is_error`."""
        import http.client  # noqa: PLC0415 - 30 ms that a start does not need
        import urllib.error  # noqa: PLC0415

        try:
            server = json.loads(self._path.read_text(encoding="utf-8"))["mcpServers"]["ccmux"]
            url = self._expanded(server["url"])
            headers = {name: self._expanded(value) for name, value in server.get("headers", {}).items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ToolResult(f"Error: No such tool available: mcp__ccmux__{tool}", is_error=True)
        hello = {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": _CLIENT}
        try:
            began, session = _post(
                url, headers, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
            )
            version = str(began.get("result", {}).get("protocolVersion", _PROTOCOL))
            headers |= {"mcp-protocol-version": version} | ({"mcp-session-id": session} if session else {})
            _post(url, headers, {"jsonrpc": "2.0", "method": "notifications/initialized"})
            asked = {"name": tool, "arguments": arguments}
            answer, _ = _post(
                url, headers, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked}
            )
        except urllib.error.HTTPError as error:
            with error:
                return ToolResult(f"Error: HTTP {error.code} from the MCP server", is_error=True)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            return ToolResult(f"Error: Unable to connect to the MCP server: {error}", is_error=True)
        return _result(answer)

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self._environ.get(found[1], found[2] or found[0]), text)


def has_channel(listed: str, channel: str) -> bool:
    """Tell whether `list_channels`' text names this channel."""
    return re.search(rf"(?<![\w.-]){re.escape(channel)}(?![\w.-])", listed) is not None


def _post(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    import urllib.request  # noqa: PLC0415 - 30 ms that a start does not need

    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")  # noqa: S310 - the user's own url
    for name, value in headers.items():
        request.add_header(name, value)
    request.add_header("Content-Type", "application/json")
    request.add_header("Accept", "application/json, text/event-stream")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=_TIMEOUT_S) as response:
        session = response.headers.get("mcp-session-id", "")
        if "id" not in body:
            return {}, session
        if response.headers.get_content_type() != "text/event-stream":
            return _object(response.read()), session
        for line in response:
            if line.startswith(b"data:") and (found := _object(line[5:])).get("id") == body["id"]:
                return found, session
    raise ValueError("the answer ended early")


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - one kind of bad answer
    return found


def _result(answer: Mapping[str, Any]) -> ToolResult:
    if "error" in answer:
        error = answer["error"]
        said = error.get("message", error) if isinstance(error, dict) else error
        return ToolResult(f"Error: {said}", is_error=True)
    result = answer.get("result", {})
    texts = [str(part.get("text", "")) for part in result.get("content", []) if part.get("type") == "text"]
    return ToolResult("\n".join(texts), is_error=bool(result.get("isError")))
