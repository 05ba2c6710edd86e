"""The canary types through the driver that types to Claude, and leaves nothing behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccmux.core.doctor.tmux import CANARY, CanaryFacts, expected, judge_canary
from ccmux.core.findings import Verdict
from ccmux.drivers.tmux import canary, canary_reader
from ccmux.trial.waiting import until


@pytest.fixture(autouse=True)
def _leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither a file nor a process, whatever became of it."""
    mark = uuid.uuid4().hex
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr("secrets.token_hex", lambda _: mark)
    yield
    assert list(scratch.iterdir()) == []
    assert not socket_of(mark).exists()
    # Who was told to end may still be at it.
    until(lambda: not any(mark in words_of(pid) for pid in Path("/proc").glob("[0-9]*")), "all ended")


def socket_of(mark: str) -> Path:
    folder = Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}"
    return folder / f"ccmux-doctor-{mark}"


def words_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def test_all_texts_arrive_to_the_byte() -> None:
    facts = canary.fly(CANARY)
    assert facts == CanaryFacts(arrived={name: expected(text) for name, text in CANARY.items()})
    assert judge_canary(facts).finding.verdict is Verdict.OK


def test_a_reader_that_hears_nothing_is_told_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_reader, "__file__", "/nowhere/reader.py")
    facts = canary.fly(CANARY, limit_s=0.5)
    assert facts == CanaryFacts(arrived={}, failure="it did not all come within 0.5 s")


KILLED = """
import secrets, sys
from ccmux.drivers.tmux import canary, canary_reader
secrets.token_hex = lambda _: sys.argv[1]
canary_reader.__file__ = "/nowhere/reader.py"
canary.LIFE_S = 1
canary.fly({"a": "b"}, limit_s=100)
"""


def test_where_the_doctor_is_killed_the_server_ends_itself(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # what is left of it
    with subprocess.Popen([sys.executable, "-c", KILLED, mark], env=environment) as doctor:
        until(lambda: len(servers(mark)) == 1, "the server runs")
        doctor.kill()
    until(lambda: not servers(mark), "the server ended itself")
    socket_of(mark).unlink(missing_ok=True)


def servers(mark: str) -> list[Path]:
    return [pid for pid in Path("/proc").glob("[0-9]*") if f"{mark}\0-f" in words_of(pid)]


@pytest.fixture
def fake_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put another `tmux` before the real one on the PATH."""

    def put(script: str) -> None:
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "tmux"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    return put


def test_a_tmux_that_fails_is_told_in_its_own_words(fake_tmux: Callable[[str], None]) -> None:
    fake_tmux("echo 'no server can be made here' >&2; exit 1")
    assert canary.fly(CANARY).failure == "no server can be made here"


def test_a_tmux_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert canary.fly(CANARY).failure == "No such file or directory"


def test_a_tmux_that_refuses_the_driver_is_told(fake_tmux: Callable[[str], None]) -> None:
    real = subprocess.run(["sh", "-c", "command -v tmux"], capture_output=True, text=True, check=True)
    fake_tmux(f'case "$*" in *-C*) exit 1 ;; esac; exec {real.stdout.strip()} "$@"')
    assert "pane lost" in canary.fly(CANARY).failure
