"""What cannot be tried is said in one sentence before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmux.core.errors import NothingToTry
from ccmux.place import place_at
from ccmux.upkeep.trying import named, try_program


def nothing(*_: object) -> None:
    """Hear it."""


def tried(tmp_path: Path, program: str, only: str = "") -> str:
    place = place_at(tmp_path / "ccmux.toml", {})
    with pytest.raises(NothingToTry) as refused:
        try_program(place, program, environment={}, only=only, say=nothing, heard=nothing)
    return str(refused.value)


def test_a_program_that_says_no_version_is_no_claude(tmp_path: Path) -> None:
    assert "/bin/true says no version" in tried(tmp_path, "/bin/true")


def test_a_name_that_no_case_has_is_said(tmp_path: Path) -> None:
    assert "no case has 'nonsense' in its name" in tried(tmp_path, "/bin/true", "nonsense")


def test_what_is_named_must_be_a_program() -> None:
    assert named("/bin/sh") == "/bin/sh"
    with pytest.raises(NothingToTry, match="/no/claude is no program"):
        named("/no/claude")
