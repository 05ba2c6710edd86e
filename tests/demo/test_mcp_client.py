from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccmux.demo.mcp_client import McpClient, ToolResult, has_channel
from tests.demo.server import McpServer


def client(folder: Path, url: str) -> McpClient:
    headers = {"Authorization": "Bearer ${CCMUX_TOKEN}", "X-Other": "${NOT_SET:-fallback}"}
    entry = {"type": "http", "url": url, "headers": headers}
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": {"ccmux": entry}}))
    return McpClient(str(folder), {"CCMUX_TOKEN": "secret"})


@pytest.mark.parametrize("sse", [False, True])
def test_a_call_answers_however_it_is_framed(tmp_path: Path, sse: bool) -> None:
    with McpServer(sse=sse, token="secret") as server:
        mcp = client(tmp_path, server.url)
        assert mcp.call("send_to_channel", {"channel": "chat", "message": "é"}) == ToolResult(
            "ok", is_error=False
        )
        assert server.calls == [("send_to_channel", {"channel": "chat", "message": "é"})]
        assert server.headers["X-Other"] == "fallback"
        assert mcp.call("send_to_channel", {"channel": "nobody"}).is_error
        assert mcp.call("nothing", {}) == ToolResult("Error: no such tool", is_error=True)


def test_a_wrong_token_is_a_result(tmp_path: Path) -> None:
    with McpServer(token="another") as server:
        assert (
            client(tmp_path, server.url).call("list_channels", {}).text
            == "Error: HTTP 401 from the MCP server"
        )


def test_a_server_that_is_down_is_a_result_and_the_next_call_works(tmp_path: Path) -> None:
    mcp = client(tmp_path, "http://127.0.0.1:9/mcp")
    assert "Unable to connect" in mcp.call("list_channels", {}).text
    with McpServer() as server:
        mcp = client(tmp_path, server.url)
        assert not mcp.call("list_channels", {}).is_error


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"mcpServers": {"ccmux": {}}}'])
def test_no_entry_is_no_tool(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / ".mcp.json").write_text(content)
    result = McpClient(str(tmp_path), {}).call("send_to_channel", {})
    assert result == ToolResult("Error: No such tool available: mcp__ccmux__send_to_channel", is_error=True)


@pytest.mark.parametrize(
    ("listed", "known"),
    [("chat: 1", True), ("- `chat`, 0 waiting", True), ("chat.a", False), ("my-chat", False)],
)
def test_a_channel_is_a_whole_word(listed: str, known: bool) -> None:
    assert has_channel(listed, "chat") is known
