"""Who may speak with an overseer that is a program of its own. It serves nothing itself.

Whoever comes in can start any program as this user, so an address alone is never enough:

- a token opens the door to every address on the list;
- without one, only a process of this user on this machine comes in, and nothing a browser sends for a page:
  Host must be an address or localhost (a page that lets its own name mean our address has its name there),
  and an Origin, where there is one, must be that Host (any other page has its own there).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def parse_networks(text: str) -> tuple[Network, ...] | str:
    """Return the networks of a list like "10.0.0.0/8, fd00::/8, 192.168.1.7", or the word that is none."""
    networks = []
    for word in text.replace(",", " ").split():
        try:
            networks.append(ip_network(word, strict=False))
        except ValueError:
            return word
    return tuple(networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The door of one overseer.

    Attributes:
        networks: Nobody from elsewhere comes in.
        token: What `Authorization: Bearer` must carry, where it is needed.

    """

    networks: Sequence[Network]
    token: bytes

    def refusal(
        self,
        *,
        address: str,
        hosts: Sequence[str],
        origins: Sequence[str],
        authorizations: Sequence[str],
        is_ours: Callable[[], bool],
    ) -> tuple[int, str] | None:
        """Return an HTTP status and the way out, None for who may come in.

        Args:
            address: Of the other end.
            hosts: All values of the header.
            origins: All values of the header.
            authorizations: All values of the header.
            is_ours: Asked, where it matters, whether the other end is a process of this user.

        """
        found = _address(address)
        if found is None or not any(found in network for network in self.networks):
            return 403, f"{address or 'no address'} is not on the list; set OVERSEER_TRUSTED_CIDRS"
        if origins and not _is_origin_of(origins, hosts):
            return 403, "Origin is a web page; an overseer is for programs"
        if authorizations:
            if self._is_token(authorizations):
                return None
            return 401, "this is not the token in secrets/api_token"
        if not found.is_loopback:
            return 401, "send 'Authorization: Bearer TOKEN' with the token in secrets/api_token"
        if len(hosts) != 1 or not _is_no_name(hosts[0]):
            return 403, "Host is a name; use 127.0.0.1 or localhost, or send the token"
        if not is_ours():
            return 401, "you are another user: send 'Authorization: Bearer TOKEN' with this user's token"
        return None

    def _is_token(self, authorizations: Sequence[str]) -> bool:
        [first, *more] = authorizations
        scheme, _, given = first.partition(" ")
        fits = hmac.compare_digest(given.strip().encode(), self.token)
        return fits and scheme.lower() == "bearer" and not more


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_no_name(host: str) -> bool:
    """Tell whether a Host is an address or localhost, with or without a port: no name server is asked."""
    name = host.lower()
    if name.startswith("["):
        name, bracket, port = name[1:].partition("]")
        return bracket == "]" and _is_port(port) and _address(name) is not None
    name, colon, port = name.partition(":")
    return _is_port(colon + port) and (name == "localhost" or _address(name) is not None)


def _is_port(text: str) -> bool:
    return text == "" or (text.startswith(":") and text[1:].isascii() and text[1:].isdecimal())


def _is_origin_of(origins: Iterable[str], hosts: Sequence[str]) -> bool:
    ours = {f"{scheme}://{host.lower()}" for host in hosts for scheme in ("http", "https")}
    return all(origin.lower() in ours for origin in origins)
