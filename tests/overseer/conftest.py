"""One overseer for a file of tests; each names tasks of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.overseer.client import Client
from tests.overseer.stand import OverseerStand


@pytest.fixture(scope="module")
def overseer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OverseerStand]:
    with OverseerStand(tmp_path_factory.mktemp("overseer"), "--log-file", "events.jsonl") as stand:
        yield stand


@pytest.fixture
def client(overseer: OverseerStand) -> Iterator[Client]:
    """A client that hears of all tasks, as the older ones do."""
    with overseer.client() as connected:
        yield connected


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OverseerStand]:
    """An overseer of the test's own, not started yet."""
    stand = OverseerStand(tmp_path)
    try:
        yield stand
    finally:
        stand.__exit__()
