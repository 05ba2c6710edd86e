"""Nothing is lost and nothing comes twice, whatever is killed; docs/chaos.md tells what is killed where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conductor import FAULTS, plan, run
from tests.house.stand import remove, short_folder


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
