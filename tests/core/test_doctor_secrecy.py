"""Keys that may hold a secret are told by name alone."""

from __future__ import annotations

from ccmux.core.doctor.secrecy import may_be_secret
from ccmux.core.settings import AdapterSettings, ClaudeSettings, Settings, TaskSettings, TimerSettings


def test_what_may_be_secret_is_named_and_never_shown() -> None:
    settings = Settings(
        claude=ClaudeSettings(
            proxy="http://me:hunter2@proxy:3128",
            env={"ANTHROPIC_API_KEY": "hunter2", "IS_SANDBOX": "1", "EMPTY_TOKEN": ""},
        ),
        timers={"nightly": TimerSettings(schedule=("daily",), message="hi", env={"db_password": "hunter2"})},
        adapters={"chat": AdapterSettings(env={"CHAT_TOKEN": "hunter2", "LANG": "C"})},
        overseer_tasks={"bell": TaskSettings(command=("bell",), env={"BELL_KEY": "hunter2"})},
    )
    assert may_be_secret(settings) == [
        "[claude] proxy",
        "[claude] env ANTHROPIC_API_KEY",
        "[timers.nightly] env db_password",
        "[adapters.chat] env CHAT_TOKEN",
        "[overseer.tasks.bell] env BELL_KEY",
    ]
    assert may_be_secret(Settings()) == []
