from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.desk import Desk
from tests.live.relay import RelayServer


@pytest.fixture
def relay() -> Iterator[RelayServer]:
    with RelayServer() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, relay: RelayServer) -> Iterator[Desk]:
    made = Desk(tmp_path, {"CC_LIVE_ENDPOINT": relay.url, "CC_LIVE_API_KEY": "k3y"})
    try:
        yield made
    finally:
        relay.go_on.set()
        made.close()
