from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.visitors import (
    Admission,
    Visitor,
    counted_as,
    is_in,
    is_loopback,
    read_networks,
    read_origin,
    visitor,
)

PROXIES = read_networks(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])

BEHIND = {
    "nobody is behind": ("198.51.100.7", [], Visitor("198.51.100.7")),
    "a proxy that was not named": (
        "198.51.100.7",
        ["203.0.113.9"],
        Visitor("198.51.100.7", is_claimed=True),
    ),
    "a named one": ("127.0.0.1", ["203.0.113.9"], Visitor("203.0.113.9", is_forwarded=True)),
    "it tells nothing": ("127.0.0.1", [], Visitor("127.0.0.1", is_forwarded=True)),
    "two of ours": ("127.0.0.1", ["203.0.113.9, 10.1.1.1"], Visitor("203.0.113.9", is_forwarded=True)),
    "in two headers": ("127.0.0.1", ["203.0.113.9", "10.1.1.1"], Visitor("203.0.113.9", is_forwarded=True)),
    "what the visitor claimed itself": (
        "127.0.0.1",
        ["192.0.2.1, 203.0.113.9"],
        Visitor("203.0.113.9", is_forwarded=True),
    ),
    "garbage": ("127.0.0.1", ["192.0.2.1, <script>"], Visitor("127.0.0.1", is_forwarded=True)),
    "garbage behind a proxy": ("127.0.0.1", ["x, 10.1.1.1"], Visitor("10.1.1.1", is_forwarded=True)),
    "an address with a port": ("127.0.0.1", ["203.0.113.9:5"], Visitor("203.0.113.9", is_forwarded=True)),
    "IPv6": ("fd00::1", ["2001:DB8::1"], Visitor("2001:db8::1", is_forwarded=True)),
    "IPv6 with a port": ("127.0.0.1", ["[2001:db8::1]:5"], Visitor("2001:db8::1", is_forwarded=True)),
    "IPv4 in IPv6": ("::ffff:127.0.0.1", ["203.0.113.9"], Visitor("203.0.113.9", is_forwarded=True)),
    "a socket without address": ("", ["203.0.113.9"], Visitor("", is_claimed=True)),
    "all of ours": ("127.0.0.1", ["10.1.1.1"], Visitor("10.1.1.1", is_forwarded=True)),
}


@pytest.mark.parametrize(("peer", "forwarded_for", "found"), BEHIND.values(), ids=BEHIND)
def test_a_visitor_is_who_a_named_proxy_says(peer: str, forwarded_for: list[str], found: Visitor) -> None:
    assert visitor(peer, forwarded_for, PROXIES) == found


def test_a_chain_without_end_is_not_followed_to_it() -> None:
    chain = ["203.0.113.9"] + ["10.0.0.1"] * 50
    assert visitor("127.0.0.1", [",".join(chain)], PROXIES).address == "10.0.0.1"


@given(st.text(), st.lists(st.text()))
def test_no_words_of_a_visitor_do_harm(peer: str, forwarded_for: list[str]) -> None:
    assert visitor("127.0.0.1", forwarded_for, PROXIES).is_forwarded
    assert visitor(peer, forwarded_for, ()).address == peer
    assert isinstance(counted_as(peer), str)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_networks_are_read_and_what_is_none_is_told() -> None:
    assert is_in("10.9.9.9", PROXIES)
    assert not is_in("11.9.9.9", PROXIES)
    assert not is_in("words", PROXIES)
    with pytest.raises(ValueError, match="'proxy' does not appear to be"):
        read_networks(["proxy"])


@pytest.mark.parametrize(
    ("word", "origin"),
    [
        ("https://blog.example.com", "https://blog.example.com"),
        ("HTTPS://Blog.Example.com/", "https://blog.example.com"),
        ("https://blog.example.com:443", "https://blog.example.com"),
        ("http://blog.example.com:443", "http://blog.example.com:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("*", "*"),
    ],
)
def test_origins_are_read_as_browsers_write_them(word: str, origin: str) -> None:
    assert read_origin(word) == origin


@pytest.mark.parametrize(
    "word",
    ["", "null", "blog.example.com", "ftp://x", "https://x/path", "https://x?q", "https://", "https://x:no",
     "http://["],
)  # fmt: skip
def test_what_is_no_origin_is_told(word: str) -> None:
    with pytest.raises(ValueError):
        read_origin(word)


OPEN = Admission(origins=frozenset({"https://blog.example.com"}), is_local=False)
LOCAL = Admission(origins=frozenset({"https://blog.example.com"}), is_local=True)

LET_IN = {
    "a program that is no browser": (LOCAL, [], ["evil.example"], False),
    "a site that was named": (LOCAL, ["https://blog.example.com"], ["live.example.com"], False),
    "the page itself": (OPEN, ["http://live.example.com:8080"], ["live.example.com:8080"], False),
    "the page behind a proxy that speaks TLS": (
        OPEN,
        ["https://live.example.com"],
        ["live.example.com"],
        True,
    ),
    "the same with the port": (OPEN, ["https://live.example.com"], ["live.example.com:443"], True),
    "the page here": (LOCAL, ["http://127.0.0.1:8080"], ["127.0.0.1:8080"], False),
    "the page here by name": (LOCAL, ["http://localhost:8080"], ["localhost:8080"], False),
    "the page here, IPv6": (LOCAL, ["http://[::1]:8080"], ["[::1]:8080"], False),
    "here behind a named proxy": (LOCAL, ["https://live.example.com"], ["live.example.com"], True),
    "any site": (
        Admission(origins=frozenset({"*"}), is_local=True),
        ["https://evil.example"],
        ["127.0.0.1"],
        False,
    ),
}


@pytest.mark.parametrize(("admission", "origins", "hosts", "is_forwarded"), LET_IN.values(), ids=LET_IN)
def test_who_may_look_is_let_in(
    admission: Admission, origins: list[str], hosts: list[str], is_forwarded: bool
) -> None:
    assert admission.refusal(origins=origins, hosts=hosts, is_forwarded=is_forwarded) == ""


KEPT_OUT = {
    "another site": (OPEN, ["https://evil.example"], ["live.example.com"], False, "this site"),
    "the same name at another port": (OPEN, ["http://x:1"], ["x:2"], False, "this site"),
    "a sandboxed page": (OPEN, ["null"], ["null"], False, "this site"),
    "two origins": (OPEN, ["https://blog.example.com"] * 2, ["x"], False, "this site"),
    "two hosts": (OPEN, ["http://x"], ["x", "x"], False, "this site"),
    "no host": (OPEN, ["http://x"], [], False, "this site"),
    "a name that leads here (DNS rebinding)": (
        LOCAL,
        ["http://evil.example:8080"],
        ["evil.example:8080"],
        False,
        "this name",
    ),
}


@pytest.mark.parametrize(
    ("admission", "origins", "hosts", "is_forwarded", "says"), KEPT_OUT.values(), ids=KEPT_OUT
)
def test_who_may_not_look_is_told_why(
    admission: Admission, origins: list[str], hosts: list[str], is_forwarded: bool, says: str
) -> None:
    assert admission.refusal(origins=origins, hosts=hosts, is_forwarded=is_forwarded).startswith(says)


@pytest.mark.parametrize(
    ("host", "is_so"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("example.com", False)],
)  # fmt: skip
def test_this_machine_alone_is_told_from_everywhere(host: str, is_so: bool) -> None:
    assert is_loopback(host) == is_so
