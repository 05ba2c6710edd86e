"""Without a program to start, the daemon refuses and leaves nothing; a Claude that runs is hosted still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.trial.waiting import NotSo
from tests.house.stand import Stand, remove, short_folder


@pytest.fixture
def stand() -> Iterator[Stand]:
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            yield made
    finally:
        remove(folder)


def test_a_start_without_the_program_makes_nothing_in_tmux_and_starts_no_task(stand: Stand) -> None:
    stand.settings["claude"]["command"] = ["no-such-claude"]
    started = stand.folder / "started"
    stand.settings["overseer"] = {"tasks": {"bridge": {"command": ["touch", str(started)]}}}
    with pytest.raises(NotSo, match="'no-such-claude' is not on the PATH; npm install"):
        stand.start()
    assert stand.tmux("list-sessions", check=False) == ""
    assert not started.exists()
    assert not {"in", "control.sock", "output.sock"} & {path.name for path in Path(stand.run).iterdir()}


def test_a_claude_that_runs_is_hosted_also_while_its_program_is_gone(stand: Stand) -> None:
    claude = stand.start().claude_pid
    stand.stop()
    stand.settings["claude"]["command"] = ["no-such-claude"]
    assert stand.start().claude_pid == claude
