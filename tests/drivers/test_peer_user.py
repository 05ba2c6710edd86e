"""Who is at the other end of a connection on this machine."""

from __future__ import annotations

import os
import socket

import pytest

from ccmux.drivers.peer_user import user_of


@pytest.mark.parametrize(
    ("family", "host", "seen_as"),
    [
        (socket.AF_INET, "127.0.0.1", None),
        (socket.AF_INET6, "::1", None),
        (socket.AF_INET6, "::ffff:127.0.0.1", None),
        (socket.AF_INET6, "::ffff:127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.1", "::ffff:127.0.0.1"),
    ],
)
def test_we_are_ourselves(family: int, host: str, seen_as: str | None) -> None:
    with socket.socket(family) as listening:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((host, 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]) as client:
            peer, address = listening.accept()
            with peer:
                assert user_of(seen_as or address[0], address[1]) == os.geteuid()
                assert client.getsockname()[1] == address[1]


def test_who_is_not_here_is_nobody() -> None:
    assert user_of("192.0.2.1", 4_711) is None


def test_who_only_listens_is_nobody() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert user_of(*listening.getsockname()) is None
