"""The tasks that run whenever an overseer does, as the settings have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccmux.core.overseer.durations import format_duration
from ccmux.core.overseer.retry import RetryPolicy
from ccmux.core.overseer.task import Definition
from ccmux.core.settings import TaskSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A task that runs whenever we do.

    Attributes:
        definition: What runs.
        environment: More variables than it inherits.

    """

    definition: Definition
    environment: Mapping[str, str] = field(default_factory=dict)


def standing(tasks: Mapping[str, TaskSettings]) -> dict[str, Standing]:
    """Return the tasks that stand in `[overseer.tasks.NAME]`, by name."""
    return {
        name: Standing(
            definition=Definition(command=task.command[0], args=task.command[1:], retry_policy=_policy(task)),
            environment=task.env,
        )
        for name, task in tasks.items()
    }


def _policy(task: TaskSettings) -> RetryPolicy:
    return RetryPolicy(
        restart_delay=_duration(task.restart_delay),
        max_restart_delay=_duration(task.max_restart_delay),
        min_uptime=_duration(task.min_uptime),
        error_threshold=task.error_threshold,
        error_window=_duration(task.error_window),
    )


def _duration(in_seconds: float) -> str:
    return format_duration(round(in_seconds * 1_000_000) * 1_000)
