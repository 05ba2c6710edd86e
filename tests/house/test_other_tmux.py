"""A shell whose TMUX_TMPDIR is another than the daemon's: commands ask for the daemon's tmux server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ccmux.upkeep.patient import Patient
from ccmux.upkeep.surroundings import session_problem
from tests.house.stand import Stand, remove, short_folder


@pytest.fixture
def stand() -> Iterator[Stand]:
    """The demo agent: only where it is hosted is asked."""
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            yield made
    finally:
        remove(folder)


def attach(stand: Stand, environment: Mapping[str, str]) -> str:
    argv = [sys.executable, "-m", "ccmux", "attach"]
    asked = subprocess.run(
        argv,
        cwd=stand.project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stderr


def test_the_daemon_tells_its_tmux_server_and_commands_ask_that_one(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand.start()
    monkeypatch.chdir(stand.project)
    config, environment = stand.project / "ccmux.toml", stand.environment | {"TMUX_TMPDIR": str(tmp_path)}
    patient, session = Patient(config, environment), "ccmux-stand"
    socket = f"{stand.environment['TMUX_TMPDIR']}/tmux-{os.getuid()}/{stand.socket}"
    assert patient.tmux == ("tmux", "-S", socket)
    assert session_problem(session, patient.tmux, environment) == ""
    assert "not a terminal" in attach(stand, environment), "tmux found the session and wants to show it"
    stand.stop()
    late = Patient(config, environment)
    assert late.tmux == ("tmux", "-L", stand.socket)
    assert session_problem(session, late.tmux, environment) != "", "nobody tells which server it would be"
    assert "there is no tmux session ccmux-stand" in attach(stand, environment)
