"""The whole stack from one process: a task of the settings starts, restarts and ends with the daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.stand import Stand, remove, short_folder, text_of, until
from tests.overseer.client import Client, Refused
from tests.overseer.stand import lives

ADAPTER = "echo $$; echo from the adapter > {run}/in; exec sleep 1000"


@pytest.fixture
def stand() -> Iterator[Stand]:
    folder = short_folder()
    try:
        with Stand(folder, agent="demo") as made:
            command = ["sh", "-c", ADAPTER.format(run=made.run)]
            made.settings["overseer"] = {"tasks": {"bridge": {"command": command}}}
            yield made
    finally:
        remove(folder)


def bridge(stand: Stand) -> dict[str, Any]:
    tasks = json.loads(stand.ccmux("tasks", "--json"))
    return next((task for task in tasks if task["task_id"] == "bridge"), {})


def running_pid(stand: Stand) -> int:
    until(lambda: bridge(stand).get("worker_state") == "running", "the adapter runs")
    return int(bridge(stand)["current_pid"])


def test_an_adapter_lives_as_long_as_the_daemon_and_comes_back_with_it(stand: Stand) -> None:
    with stand.start().following(since=0) as events:
        first = running_pid(stand)
        assert text_of(events.until("turn")) == "You said: from the adapter"
        assert f"{first}\n" in stand.ccmux("tasks", "logs", "bridge")
        stand.ccmux("tasks", "stop", "bridge")
        assert not lives(first)
    stand.stop()
    stand.start()
    second = running_pid(stand)
    stand.kill()
    stand.start()
    third = running_pid(stand)
    assert third != second
    assert not lives(second)
    del stand.settings["overseer"]
    stand.stop()
    assert not lives(third)
    stand.start()
    assert bridge(stand) == {}


def test_only_who_has_the_token_starts_a_program(stand: Stand) -> None:
    stand.start()
    token = Path(stand.environment["CCMUX_SECRETS_DIR"], "api_token").read_text().strip()
    bearer = {"Authorization": f"Bearer {token}"}
    path = "/ws/overseer"
    with Client(stand.port, path=path, headers=bearer) as client:
        client.ask("start", task_id="x", command="printenv", args=["CCMUX_TOKEN", "NOTIFY_SOCKET"])
        heard = client.all_until("exited", task_id="x")
        assert [message["type"] for message in heard if message.get("task_id") == "x"] == [
            "started",
            "exited",
        ]
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({**bearer, "Origin": "http://evil.example"}, 403),
        ({**bearer, "Host": "evil.example"}, 403),
    ):
        with pytest.raises(Refused) as caught:
            Client(stand.port, path=path, headers=headers)
        assert caught.value.args[0] == status
