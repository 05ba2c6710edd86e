"""What the service manager is told, with a socket in its place."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmux.drivers.systemd import Notify
from tests.house.stand import remove, short_folder


@pytest.fixture
def manager() -> Iterator[tuple[socket.socket, str]]:
    folder = short_folder()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(10)
        yield listening, str(folder / "notify")
    remove(folder)


def test_each_word_is_a_message_of_its_own(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notify = Notify.found({"NOTIFY_SOCKET": address}, pid=1)
    notify.ready()
    notify.alive()
    notify.status("Claude is idle;\n2 wait")
    notify.stopping()
    said = [listening.recv(1_000) for _ in range(4)]
    assert said == [b"READY=1", b"WATCHDOG=1", b"STATUS=Claude is idle; 2 wait", b"STOPPING=1"]


def test_an_abstract_address_is_understood() -> None:
    name = f"ccmux-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(10)
        assert Notify(f"@{name}").tell("READY=1")
        assert listening.recv(100) == b"READY=1"


def test_nobody_there_is_nobody_told() -> None:
    with capture_logs() as logs:
        notify = Notify.found({"WATCHDOG_USEC": "1000000"}, pid=1)
        assert not notify.tell("READY=1")
    assert not notify.reaches
    assert notify.watchdog_s is None
    assert logs == []


def test_a_manager_that_went_away_is_said_once_and_raises_nothing(tmp_path: Path) -> None:
    notify = Notify(str(tmp_path / "nobody"))
    with capture_logs() as logs:
        notify.alive()
        notify.alive()
    assert [entry["event"] for entry in logs] == ["service manager not told"]


def test_a_manager_that_hears_nothing_blocks_nobody_for_ever(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccmux.drivers.systemd.notify.SEND_S", 0.01)
    notify = Notify(manager[1])
    with capture_logs() as logs:
        while notify.tell("STATUS=full"):
            pass
    assert [entry["event"] for entry in logs] == ["service manager not told"]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdogs_patience_is_taken_where_it_is_for_us(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert Notify.found({"NOTIFY_SOCKET": "/run/n", **environment}, pid=7).watchdog_s == seconds
