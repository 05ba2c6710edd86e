"""What Claude reads: over both transports, with the protocol's own client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from structlog.testing import capture_logs

from ccmux.core.errors import StoreFailed
from ccmux.ports import ChannelInfo, SendOutcome, SendResult
from ccmux.web.mcp_tools import _TOOLS, INSTRUCTIONS
from tests.web.harness import AUTHORIZED, FakeChannels, Served, browser, serving

TRANSPORTS = ["/mcp", "/sse"]


def client(served: Served, path: str, http: httpx2.AsyncClient) -> Client:
    url = served.url + path
    if path == "/sse":
        return Client(sse_client(url, headers=AUTHORIZED))
    return Client(streamable_http_client(url, http_client=http))


def said(result: CallToolResult) -> tuple[str, bool]:
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text, result.is_error


def call(
    channels: FakeChannels, arguments: dict[str, Any], tool: str = "send_to_channel", path: str = "/mcp"
) -> tuple[str, bool]:
    async def main() -> tuple[str, bool]:
        async with (
            asyncio.timeout(20),
            serving(channels) as served,
            browser(served) as http,
            client(served, path, http) as claude,
        ):
            return said(await claude.call_tool(tool, arguments))

    return asyncio.run(main())


@pytest.mark.parametrize("path", TRANSPORTS)
def test_the_tools_are_there_and_explained(path: str) -> None:
    async def main() -> None:
        async with (
            asyncio.timeout(20),
            serving(FakeChannels()) as served,
            browser(served) as http,
            client(served, path, http) as claude,
        ):
            tools = (await claude.list_tools()).tools
            assert [tool.name for tool in tools] == ["send_to_channel", "list_channels"]
            assert set(tools[0].input_schema["properties"]) == {"channel", "message", "id"}
            assert tools[0].input_schema["required"] == ["channel", "message"]
            assert claude.instructions == INSTRUCTIONS

    asyncio.run(main())


def test_claude_code_cuts_at_2_kb_so_nothing_is_longer() -> None:
    assert len(INSTRUCTIONS.encode()) < 2048
    assert "[HH:MM channel]" in INSTRUCTIONS
    assert all(len((tool.description or "").encode()) < 2048 for tool in _TOOLS)


ANSWERS = {
    "delivered": (SendResult(outcome=SendOutcome.DELIVERED), "ok", False),
    "behind": (SendResult(outcome=SendOutcome.BEHIND), "ok", False),
    "duplicate": (SendResult(outcome=SendOutcome.DUPLICATE), "ok", False),
    "queued": (SendResult(outcome=SendOutcome.QUEUED), "ok: queued, nobody reads out.chat yet", False),
    "no channel": (
        SendResult(outcome=SendOutcome.NO_CHANNEL, names=("a", "b")),
        "Error: no channel 'chat'; there are: a, b",
        True,
    ),
    "no channel at all": (
        SendResult(outcome=SendOutcome.NO_CHANNEL),
        "Error: no channel 'chat'; there are: none yet",
        True,
    ),
    "invalid": (
        SendResult(outcome=SendOutcome.INVALID, reason="the message is empty"),
        "Error: the message is empty",
        True,
    ),
    "disk full": (
        StoreFailed("/db", "disk is full", "make room"),
        "Error: database /db: disk is full; make room",
        True,
    ),
}


@pytest.mark.parametrize(("result", "text", "is_error"), ANSWERS.values(), ids=ANSWERS.keys())
def test_results_read_as_promised(result: SendResult | Exception, text: str, is_error: bool) -> None:
    channels = FakeChannels(result)
    assert call(channels, {"channel": "chat", "message": "hello"}) == (text, is_error)
    assert channels.calls == [("chat", "hello", None)]


@pytest.mark.parametrize("path", TRANSPORTS)
def test_a_long_message_of_any_text_arrives_as_it_is(path: str) -> None:
    channels = FakeChannels()
    message = 'zwölf 🦉 "x"\r\n\t\x00\u2028' * 20_000
    assert call(channels, {"channel": "a.b-c", "message": message, "id": "k"}, path=path) == ("ok", False)
    assert channels.calls == [("a.b-c", message, "k")]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"message": "x"}, "Error: Object missing required field `channel`"),
        ({"channel": "c"}, "Error: Object missing required field `message`"),
        ({"channel": "c", "message": 1}, "Error: Expected `str`, got `int` - at `$.message`"),
        ({"channel": "c", "message": "x", "id": 7}, "Error: Expected `str | null`, got `int` - at `$.id`"),
        ({}, "Error: Object missing required field `channel`"),
    ],
)
def test_wrong_arguments_are_said_to_claude(arguments: dict[str, Any], error: str) -> None:
    channels = FakeChannels()
    assert call(channels, arguments) == (error, True)
    assert channels.calls == []


def test_an_unknown_tool_is_said_to_claude() -> None:
    assert call(FakeChannels(), {}, tool="send") == (
        "Error: no tool 'send'; there are: send_to_channel, list_channels",
        True,
    )


def test_a_long_wrong_name_is_not_repeated_in_full() -> None:
    channels = FakeChannels(SendResult(outcome=SendOutcome.NO_CHANNEL))
    text, _ = call(channels, {"channel": "x" * 10_000, "message": "m"})
    assert len(text) < 200


def test_a_fault_of_ours_is_logged_and_its_details_stay_here() -> None:
    with capture_logs() as logs:
        text, is_error = call(FakeChannels(ZeroDivisionError("secret")), {"channel": "c", "message": "x"})
    assert (text, is_error) == ("Error: ccmux failed inside; its log says more", True)
    assert [(entry["event"], entry["tool"]) for entry in logs] == [("tool failed", "send_to_channel")]


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ([], "There is no channel yet."),
        (
            [
                ChannelInfo(name="chat", has_reader=True, waiting=0),
                ChannelInfo(name="mail", has_reader=False, waiting=3),
            ],
            "chat: somebody reads it, 0 waiting\nmail: nobody reads it now, 3 waiting",
        ),
    ],
)
def test_list_channels_tells_names_readers_and_what_waits(known: list[ChannelInfo], text: str) -> None:
    assert call(FakeChannels(known=known), {}, tool="list_channels") == (text, False)
