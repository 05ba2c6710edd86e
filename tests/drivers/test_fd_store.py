"""systemd's descriptor store, with a socket in systemd's place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmux.drivers.systemd.fd_store import FdStore
from ccmux.drivers.systemd.notify import Notify
from tests.house.stand import remove, short_folder


@pytest.fixture
def notified() -> Iterator[tuple[socket.socket, str]]:
    folder = short_folder()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(10)
        yield listening, str(folder / "notify")
    remove(folder)


def test_a_descriptor_is_stored_once_under_its_name_and_removed_by_it(
    notified: tuple[socket.socket, str],
) -> None:
    listening, address = notified
    store = FdStore.found({"NOTIFY_SOCKET": address, "FDSTORE": "64"}, pid=os.getpid())
    assert store is not None
    assert store.kept() == []
    reading, writing = os.pipe()
    store.keep("in~7", reading)
    store.keep("in~7", reading)
    store.drop("in~7")
    text, fds, _, _ = socket.recv_fds(listening, 1_000, 4)
    assert text == b"FDSTORE=1\nFDNAME=in~7\nFDPOLL=0"
    assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(reading).st_ino]
    assert socket.recv_fds(listening, 1_000, 4)[:2] == (b"FDSTOREREMOVE=1\nFDNAME=in~7", [])
    for fd in (reading, writing, *fds):
        os.close(fd)


CHILD = """
import os, sys
os.dup2(int(sys.argv[2]), 3)
from ccmux.drivers.systemd.fd_store import FdStore
os.environ["LISTEN_PID"] = sys.argv[1].replace("mine", str(os.getpid()))
store = FdStore.found(os.environ, pid=os.getpid())
print([(name, os.read(fd, 9), os.get_inheritable(fd)) for name, fd in store.kept()], store.kept())
"""


@pytest.mark.parametrize(("pid", "got"), [("mine", "[('in~7', b'mail', False)] []"), ("1", "[] []")])
def test_what_comes_back_at_the_start_is_handed_out_once_if_it_is_for_this_process(
    notified: tuple[socket.socket, str], pid: str, got: str
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"mail")
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": notified[1],
        "FDSTORE": "64",
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "in~7",
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, pid, str(reading)],
        pass_fds=[reading],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == got
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": "/run/notify"},
        {"FDSTORE": "64"},
        {"NOTIFY_SOCKET": "/run/notify", "FDSTORE": "0"},
        {"NOTIFY_SOCKET": "/run/notify", "FDSTORE": "many"},
    ],
)
def test_without_a_store_there_is_none(environment: dict[str, str]) -> None:
    assert FdStore.found(environment, pid=os.getpid()) is None


def test_an_abstract_address_is_understood_and_a_dead_one_is_said(tmp_path: Path) -> None:
    name = f"ccmux-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(10)
        FdStore(Notify(f"@{name}"), []).drop("in")
        assert listening.recv(100) == b"FDSTOREREMOVE=1\nFDNAME=in"
    with capture_logs() as logs:
        FdStore(Notify(str(tmp_path / "nobody")), []).keep("in", 0)
    assert [entry["event"] for entry in logs] == ["service manager not told"]
