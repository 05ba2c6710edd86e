"""The settings: every table, every key, its default, its meaning and what it may be.

`checks` knows what a value may be, `tables` and `named` the tables, `reading` makes settings of a
file's content. Nothing here reads a file or the environment, or repeats a value that may be a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccmux.core.settings.checks import NAME_RULE, Refused
from ccmux.core.settings.reading import (
    CONFIG_VARIABLE,
    Problem,
    parse_settings,
    parse_what_fits,
    project_name,
)
from ccmux.core.settings.tables import (
    TABLES,
    ClaudeSettings,
    InjectionSettings,
    InputSettings,
    LiveSettings,
    McpSettings,
    OutputSettings,
    PrivacySettings,
    ProjectSettings,
    RecoverySettings,
    RelaySettings,
    RuntimeSettings,
    Settings,
    TimingSettings,
    TmuxSettings,
)

if TYPE_CHECKING:
    from ccmux.core.settings.named import (
        NAMED_TABLES,
        AdapterSettings,
        TaskSettings,
        TimerSettings,
        attribute,
    )

__all__ = [
    "CONFIG_VARIABLE",
    "NAMED_TABLES",
    "NAME_RULE",
    "TABLES",
    "AdapterSettings",
    "ClaudeSettings",
    "InjectionSettings",
    "InputSettings",
    "LiveSettings",
    "McpSettings",
    "OutputSettings",
    "PrivacySettings",
    "Problem",
    "ProjectSettings",
    "RecoverySettings",
    "Refused",
    "RelaySettings",
    "RuntimeSettings",
    "Settings",
    "TaskSettings",
    "TimerSettings",
    "TimingSettings",
    "TmuxSettings",
    "attribute",
    "parse_settings",
    "parse_what_fits",
    "project_name",
]


def __getattr__(name: str) -> Any:
    """Load the tables that users name when they are asked for: a `ccmux send` without any is not held up."""
    if name in {"NAMED_TABLES", "AdapterSettings", "TaskSettings", "TimerSettings", "attribute"}:
        from ccmux.core.settings import named  # noqa: PLC0415 - that is the point

        return getattr(named, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
