"""Who answers on a port: real sockets on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ccmux.drivers.tcp import connect_problem, health_problem

LIMIT_S = 20.0


@contextmanager
def listening(said: bytes | None) -> Iterator[int]:
    """A program that takes one connection and says this; None: it says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                if said is not None:
                    taken.recv(4_096)
                    taken.sendall(said)
                else:
                    taken.recv(4_096)
                    taken.recv(4_096)

        serving = thread.submit(serve)
        yield server.getsockname()[1]
        serving.result(LIMIT_S)


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


def nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_takes_a_connection_answers() -> None:
    with listening(None) as port:
        assert connect_problem("127.0.0.1", port, limit_s=LIMIT_S) == ""


def test_a_port_that_takes_none_says_why() -> None:
    assert connect_problem("127.0.0.1", nobody(), limit_s=LIMIT_S) == "connection refused"
    assert health_problem(nobody(), limit_s=LIMIT_S) == "connection refused"


def test_a_host_without_an_address_says_so() -> None:
    assert connect_problem("no such host", 80, limit_s=LIMIT_S) != ""


def test_our_own_face_is_known_by_its_answer() -> None:
    with listening(http("200 OK", b'{"ok":true}')) as port:
        assert health_problem(port, limit_s=LIMIT_S) == ""


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (http("404 Not Found", b"{}"), "another program listens there (it answers 404)"),
        (http("200 OK", b"hello"), "another program listens there (it answers 200)"),
        (http("200 OK", b"[]"), "another program listens there (it answers 200)"),
        (b"SSH-2.0-x\r\n", "what listens there does not speak HTTP"),
    ],
)
def test_another_program_on_our_port_is_told_apart(said: bytes, problem: str) -> None:
    with listening(said) as port:
        assert health_problem(port, limit_s=LIMIT_S) == problem


def test_a_program_that_says_nothing_is_not_waited_for() -> None:
    with listening(None) as port:
        assert health_problem(port, limit_s=0.05) == "no answer within 0.05 s"
