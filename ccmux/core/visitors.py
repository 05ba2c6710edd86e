"""Who a visitor of a relay is, and whether it may look: addresses behind proxies, origins. It serves nothing.

What a visitor says of itself is believed where a proxy that was named says so, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

_Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

ANY_ORIGIN = "*"

_IPV6_SITE_BITS = 64
"""One customer has at least this much to choose addresses from (RFC 6177)."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_CHAIN = 20
"""Addresses in X-Forwarded-For that are looked at."""


def read_networks(words: Iterable[str]) -> Networks:
    """Return addresses and networks ("10.0.0.0/8") as networks.

    Raises:
        ValueError: One is neither; the text is for a person.

    """
    return tuple(ip_network(word.strip(), strict=False) for word in words)


def read_origin(word: str) -> str:
    """Return an origin as browsers write it, or "*" for any.

    Raises:
        ValueError: It is none; the text is for a person.

    """
    if word == ANY_ORIGIN:
        return word
    parts = urlsplit(word)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ValueError(f"{word!r} is no origin like https://blog.example.com")
    port = parts.port
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    at_port = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{at_port}"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from.

    Attributes:
        address: Of the visitor itself.
        is_forwarded: A proxy that was named brought it.
        is_claimed: A proxy brought it that was not named; `address` is the proxy's.

    """

    address: str
    is_forwarded: bool = False
    is_claimed: bool = False


def visitor(peer: str, forwarded_for: Sequence[str], proxies: Networks) -> Visitor:
    """Return who is behind a connection.

    Args:
        peer: Address of the other end; "" where there is none.
        forwarded_for: The values of X-Forwarded-For, as they came.
        proxies: Those that are believed.

    """
    if not is_in(peer, proxies):
        return Visitor(peer, is_claimed=bool(forwarded_for))
    found = peer
    chain = [word.strip() for value in forwarded_for for word in value.split(",")]
    # Each proxy writes behind what it was told: the last that no proxy of ours is, is the visitor.
    for word in list(reversed(chain))[:_LONGEST_CHAIN]:
        address = _address(word)
        if address is None:
            break
        found = str(address)
        if not is_in(found, proxies):
            break
    return Visitor(found, is_forwarded=True)


def is_in(address: str, networks: Networks) -> bool:
    """Tell whether an address is in one of the networks."""
    found = _address(address)
    return found is not None and any(found in network for network in networks)


def counted_as(address: str) -> str:
    """Return what an address is counted under: an IPv6 customer has more addresses than can be counted."""
    found = _address(address)
    if not isinstance(found, IPv6Address):
        return address if found is None else str(found)
    return str(ip_network((found, _IPV6_SITE_BITS), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who may look.

    Attributes:
        origins: Sites whose pages may, as `read_origin` returns them; with "*" every site.
        is_local: The relay listens on this machine alone. Then a name that leads here and is no name of this
            machine's is a page's trick to be let in (DNS rebinding), or that of a proxy that was not named.

    """

    origins: frozenset[str]
    is_local: bool

    def refusal(self, *, origins: Sequence[str], hosts: Sequence[str], is_forwarded: bool) -> str:
        """Return why a visitor may not look, "" where it may.

        Args:
            origins: The values of Origin. Programs that are no browser send none, and could send any.
            hosts: The values of Host.
            is_forwarded: A named proxy brought it.

        """
        if not origins or ANY_ORIGIN in self.origins:
            return ""
        if len(origins) == len(hosts) == 1:
            origin = _canonical(origins[0])
            if origin in self.origins:
                return ""
            if origin and _names_host(origin, hosts[0]):
                if not self.is_local or is_forwarded or _is_this_machine(origin):
                    return ""
                return "this name is not known here: ccmux-relay --origins names it, --proxies your proxy"
        return "this site may not look: ccmux-relay --origins names those that may"


def is_loopback(host: str) -> bool:
    """Tell whether a host that is listened on, or named, is this machine alone."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _canonical(origin: str) -> str:
    try:
        return read_origin(origin)
    except ValueError:
        return ""  # "null" is what sandboxed pages send


def _names_host(origin: str, host: str) -> bool:
    """Tell whether an origin is the page of this Host; its scheme may be another where a proxy speaks TLS."""
    scheme = origin.partition("://")[0]
    return _canonical(f"{scheme}://{host}") == origin


def _is_this_machine(origin: str) -> bool:
    return is_loopback(urlsplit(origin).hostname or "")


def _address(text: str) -> _Address | None:
    """Return an address, also where a proxy wrote its port behind it; IPv4 in IPv6 is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
