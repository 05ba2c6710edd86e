"""The shim of live status as Claude starts it: it always succeeds, says nothing and waits for nobody."""

from __future__ import annotations

import os
import re
import resource
import shlex
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ccmux.core.live.registration import Registration, read_registration
from ccmux.drivers.live_hook import ALWAYS, IF_TOLD, REGISTER, UNREGISTER, command, install
from ccmux.drivers.publisher_lock import FilePublisherLock
from ccmux.trial.waiting import until

EVENT = b'{"session_id":"s","cwd":"/c","x":"\xc3\xa9 $HOME `id` %s"}'
TOLD = {"CC_LIVE_ENDPOINT": "http://h", "CC_LIVE_API_KEY": "k3y"}


class Place:
    """A folder with the shim, and a publisher that notes how it was started and runs until the test's end."""

    def __init__(self, base: Path) -> None:
        self.base = base / "a 'data' dir"
        self.base.mkdir()
        self.folder = self.base / "live"
        self.shim = self.base / "hook.sh"
        install(self.shim)
        self.ends = self.base / "ends"
        os.mkfifo(self.ends)
        self._end = os.open(self.ends, os.O_RDWR)
        self.notes = self.base / "notes"
        self.program = self.base / "publisher"
        note = f'echo $$ "$(pwd)" "$@" >>{shlex.quote(str(self.notes))}'
        self.program.write_text(f'#!/bin/sh\n{note}\ncat "$1" >/dev/null\n')
        self.program.chmod(0o700)

    def fire(
        self,
        event: bytes = EVENT,
        *,
        verb: str = REGISTER,
        when: str = ALWAYS,
        path: str = os.environ["PATH"],
        max_file_bytes: int | None = None,
        told: Mapping[str, str] | None = None,
    ) -> None:
        def limit() -> None:
            if max_file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))

        run = subprocess.run(
            command(self.shim, self.folder, verb, when, [str(self.program), str(self.ends)]),
            input=event,
            env={"PATH": path, **(told or {})},
            capture_output=True,
            preexec_fn=limit,
            check=False,
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")

    def spooled(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.folder / "spool").iterdir())]

    def started(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def close(self) -> None:
        os.close(self._end)
        until(lambda: not any(Path(f"/proc/{one.split()[0]}").exists() for one in self.started()), "an end")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_a_session_lands_whole_and_private_with_what_the_environment_says(place: Place) -> None:
    place.fire(told={"CLAUDE_PID": "17", "CC_LIVE_SENSITIVE": "1"})
    place.fire(verb=UNREGISTER)
    place.fire(told={"CLAUDE_PID": "x; id", "CC_LIVE_SENSITIVE": "yes"})
    assert place.spooled() == [
        b"register 17 1\n" + EVENT,
        b"unregister 0 0\n" + EVENT,
        b"register 0 0\n" + EVENT,
    ]
    first = read_registration(place.spooled()[0], at=1.0)
    assert first == Registration(session_id="s", cwd="/c", pid=17, sensitive=True, at=1.0)
    spool = place.folder / "spool"
    assert {stat.S_IMODE(one.stat().st_mode) for one in (place.folder, spool)} == {0o700}
    assert all(re.fullmatch(r"\d{19}-\d+\.json", one.name) for one in spool.iterdir())
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in spool.iterdir())


def test_it_starts_a_publisher_that_has_the_lock_and_no_second_one(place: Place) -> None:
    place.fire()
    place.fire()
    until(lambda: len(place.started()) == 1, lambda: str(place.started()))
    pid, rest = place.started()[0].split(" ", 1)
    assert rest == f"/ {place.ends} --lock 9"
    assert not FilePublisherLock(place.folder / "publisher.lock").take()
    session = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3])
    assert session == int(pid), "the end of Claude's terminal must not reach it"
    assert len(place.spooled()) == 2


def test_a_publisher_that_runs_already_is_left_alone(place: Place) -> None:
    place.folder.mkdir(mode=0o700)
    lock = FilePublisherLock(place.folder / "publisher.lock")
    assert lock.take()
    place.fire()
    assert place.started() == []
    lock.release()


@pytest.mark.parametrize(
    "variables", [{}, {"CC_LIVE_ENDPOINT": "http://h"}, {"CC_LIVE_API_KEY": "k", "CC_LIVE_ENDPOINT": ""}]
)
def test_where_nobody_is_to_be_told_nothing_is_written(place: Place, variables: dict[str, str]) -> None:
    place.fire(b"x" * 300_000, when=IF_TOLD, told=variables)
    assert not place.folder.exists()
    assert place.started() == []


def test_where_somebody_is_to_be_told_it_is_as_always(place: Place) -> None:
    place.fire(when=IF_TOLD, told=TOLD)
    until(lambda: len(place.started()) == 1, "a publisher")
    assert "k3y" not in place.spooled()[0].decode()


def test_where_flock_is_missing_the_publisher_takes_the_lock_itself(place: Place, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in ("date", "cat", "mv", "mkdir", "rm", "sh"):
        (few / name).symlink_to(
            next(one for one in (f"/bin/{name}", f"/usr/bin/{name}") if Path(one).exists())
        )
    place.fire(path=str(few))
    until(lambda: len(place.started()) == 1, "a publisher")
    assert place.started()[0].endswith(f"/ {place.ends}")
    assert FilePublisherLock(place.folder / "publisher.lock").take()


def test_a_full_disk_leaves_no_half_file_and_claude_in_peace(place: Place) -> None:
    place.fire(b"x" * 300_000, max_file_bytes=4096)
    assert place.spooled() == []


def test_a_folder_that_cannot_be_is_nobodys_trouble(place: Place) -> None:
    place.folder.write_text("a file")
    place.fire(b"x" * 300_000)
    assert place.started() == []


def test_a_lock_that_cannot_be_opened_is_nobodys_trouble(place: Place) -> None:
    (place.folder / "publisher.lock").mkdir(parents=True)
    place.fire()
    assert len(place.spooled()) == 1
    assert place.started() == []


def test_a_program_that_is_gone_is_nobodys_trouble(place: Place) -> None:
    place.program.unlink()
    place.fire()
    assert len(place.spooled()) == 1
    lock = FilePublisherLock(place.folder / "publisher.lock")
    until(lock.take, "a free lock")
    lock.release()
