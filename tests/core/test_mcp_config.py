from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.json_text import Unchanged, Unparsable, Updated
from ccmux.core.mcp_config import entry, renewed

OURS = entry(9876)


def new_text(text: str | None, port: int = 9876) -> str:
    outcome = renewed(None if text is None else text.encode(), port)
    assert isinstance(outcome, Updated)
    return outcome.content.decode()


def test_the_entry_is_what_claude_code_reads() -> None:
    assert entry(9876) == {
        "type": "http",
        "url": "http://127.0.0.1:9876/mcp",
        "headers": {"Authorization": "Bearer ${CCMUX_TOKEN}"},
        "alwaysLoad": True,
    }


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_where_nothing_stands_a_file_is_written(text: str | None) -> None:
    new = new_text(text)
    assert json.loads(new) == {"mcpServers": {"ccmux": OURS}}
    assert new.startswith('{\n  "mcpServers": {\n    "ccmux": {\n      "type"')
    assert new.endswith("}\n")


def test_the_second_start_changes_nothing() -> None:
    assert renewed(new_text(None).encode(), 9876) == Unchanged()


def test_another_port_renews_the_url_alone() -> None:
    old = new_text(None)
    assert new_text(old, 1234) == old.replace("9876", "1234")


HAND_MADE = """{
\t"$schema": "https://example.invalid/s.json",
\t"mcpServers": {
\t\t"files": { "command": "npx", "args": ["-y", "files"], "note": 1.10 },
\t\t"b": {"url": "x"}
\t},
\t"other": [1, 2,3]
}"""


def test_every_byte_that_is_not_ours_stays() -> None:
    new = new_text(HAND_MADE)
    before, after = HAND_MADE.split('\n\t},\n\t"other"')
    assert new.startswith(before + ',\n\t\t"ccmux": {\n\t\t\t"type": "http",\n')
    assert new.endswith('\n\t\t}\n\t},\n\t"other"' + after)
    assert list(json.loads(new)["mcpServers"]) == ["files", "b", "ccmux"]
    assert renewed(new.encode(), 9876) == Unchanged()


@pytest.mark.parametrize(
    ("old", "new"),
    {
        "one line": ('{"mcpServers":{"a":{}}}', '{"mcpServers":{"a":{}, "ccmux": %s}}'),
        "one line, no servers yet": ('{"mcpServers":{}}', '{"mcpServers":{"ccmux": %s}}'),
        "one line, other keys": ('{"x": 1}', '{"x": 1, "mcpServers": {"ccmux": %s}}'),
        "one line, an old entry": ('{"mcpServers":{"ccmux":{"url":"u"}, "b":{}}}', None),
    }.values(),
)
def test_a_file_on_one_line_stays_on_one_line(old: str, new: str | None) -> None:
    text = new_text(old)
    assert "\n" not in text
    if new is not None:
        assert text == new % json.dumps(OURS)
    assert json.loads(text)["mcpServers"]["ccmux"] == OURS


def test_an_empty_object_is_unfolded() -> None:
    assert new_text("{}") == new_text(None).rstrip("\n")
    assert new_text("{\n}\n") == new_text(None)
    assert new_text('{\n    "mcpServers": {}\n}').startswith('{\n    "mcpServers": {\n        "ccmux": {\n')


def test_windows_line_ends_stay() -> None:
    new = new_text('{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n')
    assert new.count("\n") == new.count("\r\n")
    assert json.loads(new)["mcpServers"]["ccmux"] == OURS


def test_an_older_stdio_entry_becomes_ours_and_its_owners_own_keys_stay() -> None:
    old = {"mcpServers": {"ccmux": {"command": "x", "args": [], "env": {}, "timeout": 600000, "type": "sse"}}}
    got = json.loads(new_text(json.dumps(old, indent=4)))
    assert got["mcpServers"]["ccmux"] == {"timeout": 600000, **OURS}


def test_a_key_of_its_owners_that_utf8_cannot_write_stays_escaped() -> None:
    new = new_text('{"mcpServers": {"ccmux": {"note": "\\ud800"}}}')
    assert json.loads(new)["mcpServers"]["ccmux"]["note"] == "\ud800"


def test_an_entry_that_is_no_object_is_replaced() -> None:
    assert json.loads(new_text('{"mcpServers": {"ccmux": null}}'))["mcpServers"]["ccmux"] == OURS


def test_of_a_key_written_twice_the_last_counts_as_it_does_for_every_reader() -> None:
    text = '{"mcpServers": {"a": {}}, "mcpServers": {"ccmux": {"url": "1"}, "ccmux": {"url": "2"}}}'
    new = new_text(text)
    assert json.loads(new) == {"mcpServers": {"ccmux": OURS}}
    assert '"a": {}' in new
    assert '{"url": "1"}' in new


@pytest.mark.parametrize(
    ("content", "reason"),
    {
        "broken": (b'{"mcpServers": {\n  "a": }', "line 2 column 8: Expecting value"),
        "comments": (b'{} // mine"', "line 1 column 4: Extra data"),
        "a list": (b"[]", "the whole is no JSON object"),
        "servers no object": (b'{"mcpServers": []}', "mcpServers is no JSON object"),
        "not UTF-8": (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        "NaN": (b'{"a": NaN}', "NaN is no JSON"),
        "BOM": (b"\xef\xbb\xbf{}", "line 1 column 1: Expecting value"),
        "deep": (b"[" * 200_000, "nested too deeply"),
    }.values(),
)
def test_what_cannot_be_read_is_left_alone_and_said(content: bytes, reason: str) -> None:
    assert renewed(content, 9876) == Unparsable(reason)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SERVERS = st.dictionaries(st.sampled_from(["a", "ccmux", "z", '"}{,:']), VALUES, max_size=3)
INDENTS = st.sampled_from([None, 0, 1, 2, 4, "\t"])


@given(
    rest=st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
    servers=st.none() | SERVERS,
    indent=INDENTS,
    ascii_only=st.booleans(),
    port=st.integers(1, 65535),
)
def test_whatever_stood_there_the_rest_is_the_same_and_ours_is_there(
    rest: dict[str, Any],
    servers: dict[str, Any] | None,
    indent: int | str | None,
    ascii_only: bool,
    port: int,
) -> None:
    whole = dict(rest)
    if servers is not None:
        whole["mcpServers"] = servers
    content = json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        content.decode()
    except UnicodeDecodeError:
        assert isinstance(renewed(content, port), Unparsable)
        return
    outcome = renewed(content, port)
    if isinstance(outcome, Unchanged):
        return
    assert isinstance(outcome, Updated)
    got = json.loads(outcome.content)
    ours = got["mcpServers"].pop("ccmux")
    assert entry(port).items() <= ours.items()
    expected = dict(whole)
    expected["mcpServers"] = {key: value for key, value in (servers or {}).items() if key != "ccmux"}
    assert got == expected
    assert renewed(outcome.content, port) == Unchanged()
