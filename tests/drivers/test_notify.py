"""What the service manager is told, with a socket in its place."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmux.drivers.systemd.notify import Notify
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


def full(notify: Notify) -> None:
    """Say so much that there is no room for more."""
    while notify.status("full"):
        pass


def test_a_manager_that_hears_nothing_makes_nobody_wait(manager: tuple[socket.socket, str]) -> None:
    notify = Notify(manager[1])
    with capture_logs() as logs:
        full(notify)
        notify.alive()
    assert [entry["event"] for entry in logs] == ["service manager not told"]


def test_what_is_said_once_waits_in_order_for_room_and_its_descriptors_with_it(
    manager: tuple[socket.socket, str],
) -> None:
    async def story() -> None:
        listening, address = manager
        listening.setblocking(False)
        notify = Notify(address)
        full(notify)
        reading, writing = os.pipe()
        stored = os.fstat(reading)
        assert notify.insist("FDSTORE=1", fds=[reading])
        os.close(reading)
        notify.ready()
        heard: list[bytes] = []
        fds: list[int] = []
        async with asyncio.timeout(20):
            while heard[-1:] != [b"READY=1"]:
                try:
                    message, with_it, _, _ = socket.recv_fds(listening, 1_000, 4)
                except BlockingIOError:
                    await asyncio.sleep(0)
                    continue
                heard.append(message)
                fds += with_it
        assert heard[-2:] == [b"FDSTORE=1", b"READY=1"]
        assert set(heard[:-2]) == {b"STATUS=full"}
        assert [os.path.samestat(os.fstat(fd), stored) for fd in fds] == [True]
        assert notify.insist("READY=1")
        assert listening.recv(100) == b"READY=1", "nothing waits, so it goes at once"
        notify.close()
        for fd in (writing, *fds):
            os.close(fd)

    with capture_logs():
        asyncio.run(story())


def test_what_must_be_told_and_cannot_be_is_said(manager: tuple[socket.socket, str], tmp_path: Path) -> None:
    async def story() -> None:
        nobody = Notify(str(tmp_path / "nobody"))
        assert not nobody.insist("FDSTORE=1", "FDNAME=in~1", fds=[0])
        assert not nobody.insist("READY=1")
        ended = Notify(manager[1])
        full(ended)
        assert ended.insist("READY=1")
        ended.close()

    with capture_logs() as logs:
        asyncio.run(story())
    assert [entry["what"] for entry in logs if "what" in entry] == ["FDSTORE", "READY", "READY"]


def test_a_manager_that_went_away_gets_what_waits_no_more(manager: tuple[socket.socket, str]) -> None:
    async def story() -> None:
        notify = Notify(manager[1])
        full(notify)
        assert notify.insist("FDSTORE=1", fds=[0])
        manager[0].close()
        async with asyncio.timeout(20):
            while not [entry for entry in logs if "what" in entry]:  # noqa: ASYNC110 - the kernel tells the loop
                await asyncio.sleep(0)

    with capture_logs() as logs:
        asyncio.run(story())


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
