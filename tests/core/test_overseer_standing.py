"""What stands in the settings runs, and runs again, as they say."""

from __future__ import annotations

from ccmux.core.overseer.retry import RetryPolicy
from ccmux.core.overseer.standing import Standing, standing
from ccmux.core.overseer.task import Definition
from ccmux.core.settings import TaskSettings


def test_a_task_of_the_settings() -> None:
    tasks = {"tunnel": TaskSettings(command=("ssh", "-N", "box"), env={"A": "b"}, restart_delay=2.5)}
    policy = RetryPolicy(
        restart_delay="2.5s", max_restart_delay="1m0s", min_uptime="1m0s", error_window="10m0s"
    )
    definition = Definition(command="ssh", args=("-N", "box"), retry_policy=policy)
    assert standing(tasks) == {"tunnel": Standing(definition=definition, environment={"A": "b"})}
    assert policy.problem() == ""
