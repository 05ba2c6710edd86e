"""How a message comes to a daemon that may be down: through the FIFO, or kept on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ccmux.core.settings import Settings
from ccmux.paths import Paths
from ccmux.place import Place
from ccmux.upkeep import telling


@pytest.fixture
def place(tmp_path: Path) -> Place:
    paths = Paths(
        data_dir=tmp_path / "data", secrets_dir=tmp_path / "s", runtime_dir=tmp_path / "run", project="x"
    )
    paths.runtime_dir.mkdir(mode=0o700)
    return Place(config=tmp_path / "ccmux.toml", settings=Settings(), paths=paths)


MESSAGE = {"channel": "selfcheck", "content": "all is well", "id": "selfcheck-1"}
LINE = json.dumps(MESSAGE).encode() + b"\n"


def spooled(place: Place) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in place.paths.send_spool.glob("[!.]*")]


def test_while_the_daemon_is_down_the_message_is_kept_on_disk(place: Place) -> None:
    way = telling.deliver(place, LINE, MESSAGE, awaited=False)
    assert way == f"the spool ({place.paths.runtime_dir}/in.selfcheck: nobody reads it)"
    assert spooled(place) == [MESSAGE]


def test_what_only_a_keeper_holds_is_kept_on_disk_too(place: Place) -> None:
    fifo = place.paths.runtime_dir / "in.selfcheck"
    os.mkfifo(fifo, 0o600)
    keeper = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert telling.deliver(place, LINE, MESSAGE, awaited=False) == ("the spool (nobody has taken it yet)")
        assert os.read(keeper, 4_096) == LINE
    finally:
        os.close(keeper)
    assert spooled(place) == [MESSAGE]


def test_a_line_that_a_pipe_would_tear_goes_to_the_disk_alone(place: Place) -> None:
    long = MESSAGE | {"content": "x" * 5_000}
    way = telling.deliver(place, json.dumps(long).encode() + b"\n", long, awaited=False)
    assert way.startswith("the spool (it has 50")
    assert spooled(place) == [long]
    assert list(place.paths.runtime_dir.iterdir()) == []


def test_a_daemon_that_never_comes_is_not_waited_for_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LATE_S", 0.01)
    assert telling.await_daemon(place) is False
