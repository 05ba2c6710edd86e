"""A real daemon with the demo agent takes part in live status."""

from collections.abc import Iterator

import pytest

from ccmux.paths import find_live_paths
from tests.house.stand import Stand, remove, short_folder, until
from tests.live.desk import holders
from tests.live.relay import RelayServer


@pytest.fixture
def stand(relay: RelayServer) -> Iterator[Stand]:
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            made.environment |= {"CC_LIVE_ENDPOINT": relay.url, "CC_LIVE_API_KEY": "k3y"}
            yield made
    finally:
        remove(folder)


def test_a_daemon_tells_of_its_session_and_of_all_others(stand: Stand, relay: RelayServer) -> None:
    stand.start()
    until(lambda: len(relay.sessions()) == 1, lambda: str(relay.posts[-3:]))
    [hosted] = relay.sessions()
    assert (hosted["project"], hosted["state"]) == (stand.project.name, "idle")

    stand.ccmux("send", "hello there")
    until(lambda: relay.sessions()[0]["user_prompts"] == 1, lambda: str(relay.newest))
    assert relay.sessions()[0]["last_prompt"].endswith("hello there")

    stand.ccmux("live", "register", text='{"session_id": "another"}')
    relay.until_sessions(hosted["session_id"], "another")
    assert len(holders(find_live_paths(stand.environment).lock)) == 1
