"""What the service manager says, as values."""

from __future__ import annotations

import pytest

from ccmux.core.unit_state import NoManager, UnitState


def test_without_a_manager_reason_and_way_out_are_one_sentence() -> None:
    none = NoManager(why="Failed to connect to bus: No such file", way_out="log in")
    assert str(none) == "Failed to connect to bus: No such file: log in"


@pytest.mark.parametrize(
    ("file_state", "enabled"),
    [("enabled", True), ("enabled-runtime", False), ("linked", False), ("static", False), ("", False)],
)
def test_enabled_is_what_outlives_a_reboot(file_state: str, enabled: bool) -> None:
    unit = UnitState(name="ccmux.service", load="loaded", active="active", file_state=file_state)
    assert unit.is_enabled is enabled
