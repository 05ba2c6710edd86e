"""Every process of a home is found and ended, and no other one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.trial import leftovers

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One at home, and one whose home only begins with the same name."""
    argv = [sys.executable, "-c", STUBBORN]
    started = [
        subprocess.Popen(argv, env={"HOME": home}, stdout=subprocess.PIPE)
        for home in (str(tmp_path), f"{tmp_path}2")
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    yield started
    for process in started:
        process.kill()
        with process:
            process.wait()


def test_who_does_not_go_is_killed_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleepers: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(leftovers, "_GO_S", 0.3)
    mine, other = sleepers
    assert leftovers.processes_at(str(tmp_path)) == [mine.pid]
    leftovers.end(home=str(tmp_path))
    assert leftovers.processes_at(str(tmp_path)) == []
    assert mine.wait() == -9
    assert other.poll() is None
