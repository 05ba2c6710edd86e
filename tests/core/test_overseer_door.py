"""Who may start programs here, and who may not: no web page, no other user, nobody from elsewhere."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from ccmux.core.overseer.door import LOOPBACK, Door, parse_networks

DOOR = Door(networks=(*LOOPBACK, ip_network("10.1.0.0/16")), token=b"s3cret")

BEARER = {"authorizations": ["Bearer s3cret"]}

MAY: dict[str, dict[str, object]] = {
    "an older client": {},
    "by IPv6": {"address": "::1", "hosts": ["[::1]:8080"]},
    "by an address as IPv6 has it": {"address": "::ffff:127.0.0.1", "hosts": ["[::ffff:127.0.0.1]"]},
    "localhost": {"hosts": ["LOCALHOST:8080"]},
    "localhost on port 80": {"hosts": ["localhost"]},
    "a library that sends our own Origin": {"origins": ["http://127.0.0.1:8080"]},
    "from the network with the token": {"address": "10.1.2.3", "hosts": ["box.example:8080"], **BEARER},
    "by any name with the token": {"hosts": ["box.example"], **BEARER},
    "another user with the token": {"is_ours": False, **BEARER},
}
MAY_NOT: dict[str, tuple[dict[str, object], int, str]] = {
    "a web page": ({"origins": ["http://evil.example"]}, 403, "Origin"),
    "a page of this machine": ({"origins": ["http://127.0.0.1:3000"]}, 403, "Origin"),
    "a page with the token": ({"origins": ["http://evil.example"], **BEARER}, 403, "Origin"),
    "a page without a name": ({"origins": ["null"]}, 403, "Origin"),
    "an empty Origin": ({"origins": [""]}, 403, "Origin"),
    "two Origins": ({"origins": ["http://127.0.0.1:8080", "http://evil.example"]}, 403, "Origin"),
    "a page whose name means us": (
        {"hosts": ["evil.example:8080"], "origins": ["http://evil.example:8080"]},
        403,
        "Host",
    ),
    "a name without an Origin": ({"hosts": ["evil.example"]}, 403, "Host"),
    "a name that looks like an address": ({"hosts": ["127.0.0.1.evil.example"]}, 403, "Host"),
    "a port that is none": ({"hosts": ["127.0.0.1:x"]}, 403, "Host"),
    "an IPv6 address without an end": ({"hosts": ["[::1"]}, 403, "Host"),
    "a name in brackets": ({"hosts": ["[evil.example]"]}, 403, "Host"),
    "no Host": ({"hosts": []}, 403, "Host"),
    "two Hosts": ({"hosts": ["127.0.0.1", "evil.example"]}, 403, "Host"),
    "another user of this machine": ({"is_ours": False}, 401, "another user"),
    "the network without a token": ({"address": "10.1.2.3"}, 401, "send"),
    "from elsewhere": ({"address": "8.8.8.8", **BEARER}, 403, "OVERSEER_TRUSTED_CIDRS"),
    "from nowhere": ({"address": "", **BEARER}, 403, "OVERSEER_TRUSTED_CIDRS"),
    "another token": ({"authorizations": ["Bearer other"]}, 401, "token"),
    "no token": ({"authorizations": ["Bearer "]}, 401, "token"),
    "another scheme": ({"authorizations": ["Basic s3cret"]}, 401, "token"),
    "two of them": ({"authorizations": ["Bearer s3cret", "Bearer other"]}, 401, "token"),
    "a token beyond ASCII": ({"authorizations": ["Bearer s3crét"]}, 401, "token"),
}


def refusal(asks: dict[str, object]) -> tuple[int, str] | None:
    said = {"address": "127.0.0.1", "hosts": ["127.0.0.1:8080"], "origins": [], "authorizations": []}
    facts = {**said, "is_ours": True, **asks}
    is_ours = facts.pop("is_ours")
    return DOOR.refusal(**facts, is_ours=lambda: bool(is_ours))  # type: ignore[arg-type]


@pytest.mark.parametrize("asks", MAY.values(), ids=MAY.keys())
def test_who_may(asks: dict[str, object]) -> None:
    assert refusal(asks) is None


@pytest.mark.parametrize(("asks", "status", "says"), MAY_NOT.values(), ids=MAY_NOT.keys())
def test_who_may_not(asks: dict[str, object], status: int, says: str) -> None:
    found = refusal(asks)
    assert found is not None
    assert found[0] == status
    assert says in found[1]


def test_networks_are_read() -> None:
    assert parse_networks("") == ()
    expected = (ip_network("10.0.0.0/8"), ip_network("192.168.1.7/32"), ip_network("fd00::/8"))
    assert parse_networks("10.1.2.3/8, 192.168.1.7 fd00::/8") == expected
    assert parse_networks("10.0.0.0/8, home") == "home"
