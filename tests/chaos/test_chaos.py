"""Nothing is lost and nothing comes twice, whatever is killed; docs/chaos.md tells what is killed where."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.conductor import FAULTS, Writer, plan, run
from tests.house.stand import remove, short_folder, until


@pytest.fixture
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made
    remove(made)


@pytest.mark.timeout(300)
def test_every_fault_on_the_demo_agent(folder: Path) -> None:
    verdict = run(plan(messages=200, faults=FAULTS, seed="1", agent="demo"), folder, say=print)
    print(verdict.table())
    assert verdict.is_good


@pytest.mark.real_claude
def test_faults_on_the_real_cli(folder: Path) -> None:
    faults = ("at pasted", "at entered", "at turn-seen", "daemon -9", "claude -9 at work", "tmux server")
    verdict = run(plan(messages=40, faults=faults, seed="1", agent="real"), folder, say=print)
    print(verdict.table())
    assert verdict.is_good


def test_a_killed_writer_takes_the_command_with_it_that_it_was_running(folder: Path) -> None:
    """One that went on would send beside the next writer, and look as if it came out of order."""
    program = folder / "ccmux" / "__main__.py"  # found before ours: the writer starts `-m ccmux` here
    program.parent.mkdir()
    program.write_text(
        "import os, signal\n"
        "open('begun', 'w').write(str(os.getpid()))\n"
        "os.rename('begun', 'pid')\n"
        "signal.pause()\n"
    )
    stand: Any = SimpleNamespace(folder=folder, project=folder, run=folder, environment=dict(os.environ))
    writer = Writer("send", stand, "1")
    try:
        writer.ask(0, 1)
        until((folder / "pid").exists, "the command runs")
        pid = int((folder / "pid").read_text())
        writer.kill()
        until(lambda: not _lives(pid), "the command has ended")
    finally:
        writer.finish(0.1)
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
