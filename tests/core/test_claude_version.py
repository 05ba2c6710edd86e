"""Which Claude Code was tested, and how another compares."""

from __future__ import annotations

import pytest

from ccmux.core.claude_version import TESTED, Tried, compared, version_in


@pytest.mark.parametrize(
    ("version", "tried"),
    [
        (TESTED, Tried.TESTED),
        ("2.1.1000", Tried.NEWER),
        ("3.0.0", Tried.NEWER),
        ("2.1.99", Tried.OLDER),
        ("1.9.999", Tried.OLDER),
        ("", Tried.UNKNOWN),
        ("nightly", Tried.UNKNOWN),
    ],
)
def test_a_version_is_compared_by_its_numbers(version: str, tried: Tried) -> None:
    assert compared(version) is tried


def test_the_version_is_found_in_what_the_cli_prints() -> None:
    assert version_in("2.1.329 (Claude Code)\n") == "2.1.329"
    assert version_in("command not found") == ""
