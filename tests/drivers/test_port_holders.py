"""Who has a port is found among the sockets and processes of this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ccmux.drivers.port_holders import port_holders


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_listener_is_told_with_its_process(address: str) -> None:
    with socket.create_server((address, 0)) as listening:
        [found] = port_holders(listening.getsockname()[1])
    assert (found.address, found.uid, found.pid) == (address, os.geteuid(), os.getpid())
    assert found.program == Path("/proc/self/comm").read_text().strip()


def test_one_that_takes_the_port_on_both_families_is_found() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with server as listening:
        [found] = port_holders(listening.getsockname()[1])
    assert (found.address, found.pid) == ("::", os.getpid())


def test_a_port_on_another_address_is_free_for_us() -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        assert port_holders(listening.getsockname()[1]) == []


def test_who_only_connects_holds_nothing() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert port_holders(client.getsockname()[1]) == []
