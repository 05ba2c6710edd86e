"""The networks of this machine, as the kernel prints them."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ccmux.drivers import local_networks as module
from ccmux.drivers.local_networks import local_networks

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100A8C0	0003	0	0	0	00000000	0	0	0
eth0	0000A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
lo	0000007F	00000000	0001	0	0	0	000000FF	0	0	0
tun0	00000000	00000000	0001	0	0	0	00000000	0	0	0
"""
ADDRESSES = """\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000000000fffe000001 02 40 20 80     eth0
"""


def test_networks_that_are_reached_without_a_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.byteorder", "little")
    for name, text in (("_ROUTES", ROUTES), ("_ADDRESSES", ADDRESSES)):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(module, name, tmp_path / name)
    assert local_networks() == [ip_network("192.168.0.0/24"), ip_network("fe80::/64")]


def test_a_machine_without_them(tmp_path: Path, monkeypatch: Any) -> None:
    for name in ("_ROUTES", "_ADDRESSES"):
        monkeypatch.setattr(module, name, tmp_path / "none")
    assert local_networks() == []


def test_this_machine_can_be_asked() -> None:
    assert all(network.prefixlen for network in local_networks())
