"""Which keys of the settings may hold a secret: told by name alone, their values are never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ccmux.core.settings import Settings

_SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


def may_be_secret(settings: Settings) -> list[str]:
    """Return the keys, as a person finds them in the file."""
    found = ["[claude] proxy"] if "@" in settings.claude.proxy else []
    found += _named("[claude] env", settings.claude.env)
    for name, timer in settings.timers.items():
        found += _named(f"[timers.{name}] env", timer.env)
    for name, adapter in settings.adapters.items():
        found += _named(f"[adapters.{name}] env", adapter.env)
    for name, task in settings.overseer_tasks.items():
        found += _named(f"[overseer.tasks.{name}] env", task.env)
    return found


def _named(table: str, variables: Mapping[str, str]) -> Iterator[str]:
    return (f"{table} {name}" for name, value in variables.items() if value and _SECRET_NAME.search(name))
