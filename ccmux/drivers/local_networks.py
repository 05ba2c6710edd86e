"""The networks this machine is in, as its interfaces have them (proc(5)). It asks nobody."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

_ROUTES, _ADDRESSES = Path("/proc/net/route"), Path("/proc/net/if_inet6")


def local_networks() -> list[IPv4Network | IPv6Network]:
    """Return the networks that are reached without a gateway, loopback left out."""
    return [*_of_version_4(), *_of_version_6()]


def _of_version_4() -> list[IPv4Network | IPv6Network]:
    found: list[IPv4Network | IPv6Network] = []
    for words in _rows(_ROUTES)[1:]:
        interface, destination, gateway, mask = words[0], words[1], words[2], words[7]
        network = IPv4Network((_address(destination), str(_address(mask))))
        if int(gateway, 16) == 0 and network.prefixlen and interface != "lo":
            found.append(network)
    return found


def _of_version_6() -> list[IPv4Network | IPv6Network]:
    found: list[IPv4Network | IPv6Network] = []
    for address, _index, prefix, _scope, _flags, interface in _rows(_ADDRESSES):
        if interface != "lo":
            packed = IPv6Address(bytes.fromhex(address))
            found.append(IPv6Network((packed, int(prefix, 16)), strict=False))
    return found


def _address(hexadecimal: str) -> IPv4Address:
    return IPv4Address(int(hexadecimal, 16).to_bytes(4, sys.byteorder))


def _rows(table: Path) -> list[list[str]]:
    if not table.exists():  # a kernel without IPv6
        return []
    return [line.split() for line in table.read_text("ascii").splitlines()]
