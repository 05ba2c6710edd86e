"""The paths, spoken to as Claude Code 2.1.329 does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from tests.web.harness import FakeChannels, Served, browser, serving

ACCEPT = {"Accept": "application/json, text/event-stream"}
SEND = {"name": "send_to_channel", "arguments": {"channel": "chat", "message": "hello"}}
CLIENT = {"name": "claude-code", "version": "2.1.329"}


def story(
    act: Callable[[Served, httpx2.AsyncClient], Awaitable[None]], channels: FakeChannels | None = None
) -> None:
    async def main() -> None:
        async with (
            asyncio.timeout(20),
            serving(channels or FakeChannels()) as served,
            browser(served) as http,
        ):
            await act(served, http)

    asyncio.run(main())


async def rpc(
    http: httpx2.AsyncClient, method: str, params: dict[str, Any] | None = None, version: str = "2025-11-25"
) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return await http.post("/mcp", json=body, headers=ACCEPT | {"mcp-protocol-version": version})


def test_the_handshake_of_2025_works_and_leaves_no_session_behind() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}, "clientInfo": CLIENT}
        answer = await http.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
            headers=ACCEPT,
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert "mcp-session-id" not in answer.headers
        result = answer.json()["result"]
        assert result["protocolVersion"] == "2025-11-25"
        assert result["serverInfo"]["name"] == "ccmux"
        assert "send_to_channel" in result["instructions"]
        assert "tools" in result["capabilities"]
        done = await http.post(
            "/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=ACCEPT
        )
        assert done.status_code == 202
        assert len((await rpc(http, "tools/list")).json()["result"]["tools"]) == 2
        called = await rpc(http, "tools/call", SEND)
        assert called.json()["result"]["content"] == [{"type": "text", "text": "ok"}]
        assert called.json()["result"]["isError"] is False
        assert "mcp-session-id" not in called.headers

    story(act)


def test_a_call_needs_no_handshake_so_a_restart_needs_nothing_of_claude() -> None:
    channels = FakeChannels()

    async def act(served: Served, http: httpx2.AsyncClient) -> None:
        assert (await rpc(http, "tools/call", SEND)).json()["result"]["isError"] is False
        await served.stop()
        async with serving(channels, served.port):
            stale = {"mcp-session-id": "of-an-older-server"}
            body = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": SEND}
            answer = await http.post("/mcp", json=body, headers=ACCEPT | stale)
            assert answer.json()["result"]["isError"] is False

    story(act, channels)
    assert len(channels.calls) == 2


def test_an_unknown_method_gets_an_error_of_the_protocols() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        answer = await rpc(http, "resources/list")
        assert answer.status_code == 200
        assert answer.json()["error"]["code"] == -32601
        assert (await rpc(http, "server/discover")).json()["error"]["code"] == -32601

    story(act)


def test_the_probe_of_the_next_protocol_is_answered_at_once() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        body = {"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": meta}}
        headers = ACCEPT | {"mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover"}
        answer = await http.post("/mcp", json=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["result"]["supportedVersions"] == ["2026-07-28"]
        assert "mcp-session-id" not in answer.headers
        broken = await http.post("/mcp", json=body | {"params": {}}, headers=headers)
        assert broken.status_code == 400
        assert "error" in broken.json()

    story(act)


def test_there_is_no_stream_to_open_at_mcp() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        assert (await http.get("/mcp", headers={"Accept": "text/event-stream"})).status_code == 405
        assert (await http.delete("/mcp")).status_code == 405

    story(act)


def test_what_is_no_json_is_refused_and_the_server_goes_on() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        answer = await http.post("/mcp", content=b"{", headers=ACCEPT | {"content-type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == -32700
        deep = await http.post(
            "/mcp", content=b"[" * 100_000, headers=ACCEPT | {"content-type": "application/json"}
        )
        assert deep.status_code == 400
        assert (await rpc(http, "tools/list")).status_code == 200

    story(act)


def test_health() -> None:
    async def act(served: Served, http: httpx2.AsyncClient) -> None:
        async with browser(served, authorized=False) as stranger:
            answer = await stranger.get("/healthz")
            assert (answer.status_code, answer.json()) == (200, {"ok": True})
            for path in ("/mcp", "/sse", "/messages/", "/", "/none"):
                assert (await stranger.get(path)).status_code == 401
        assert (await http.get("/none")).status_code == 404

    story(act)


def test_a_page_of_another_site_gets_nothing_even_with_the_token() -> None:
    async def act(_served: Served, http: httpx2.AsyncClient) -> None:
        evil = await http.post("/mcp", json={}, headers=ACCEPT | {"Origin": "https://evil.example"})
        assert evil.status_code == 403
        rebound = await http.post("/mcp", json={}, headers=ACCEPT | {"Host": "evil.example"})
        assert rebound.status_code == 403

    story(act)


def test_figures_are_for_who_has_the_token() -> None:
    async def act(served: Served, http: httpx2.AsyncClient) -> None:
        answer = await http.get("/metrics")
        assert (answer.status_code, answer.text) == (200, "figure 7\n")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        async with browser(served, authorized=False) as stranger:
            assert (await stranger.get("/metrics")).status_code == 401

    story(act)
