"""ccmux.toml.example is the settings, set in type."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.settings import (
    TABLES,
    ClaudeSettings,
    ProjectSettings,
    Settings,
    TimingSettings,
    parse_settings,
)
from ccmux.core.settings_text import settings_text

EXAMPLE = (Path(__file__).parents[2] / "ccmux.toml.example").read_text()


def test_the_example_is_what_the_settings_say() -> None:
    assert settings_text(Settings()) == EXAMPLE


def test_the_example_holds_every_key_and_no_other_and_means_the_defaults() -> None:
    table = tomllib.loads(EXAMPLE)
    assert {name: set(keys) for name, keys in table.items()} == {
        name: {key.name for key in fields(shape)} for name, shape in TABLES.items()
    }
    assert parse_settings(table, text=EXAMPLE) == Settings()


def test_every_key_of_the_example_has_a_comment_above_it() -> None:
    lines = EXAMPLE.split("\n")
    bare = [line for above, line in pairwise(lines) if " = " in line and "#" not in line[:1] + above[:1]]
    assert bare == []


def test_a_shape_without_docstrings_still_gives_every_key(monkeypatch: Any) -> None:
    for shape in TABLES.values():
        monkeypatch.setattr(shape, "__doc__", None)
    assert tomllib.loads(settings_text(Settings())) == tomllib.loads(EXAMPLE)


LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"))


@given(LINE, st.dictionaries(st.from_regex(r"[A-Za-z_]\w*", fullmatch=True).filter(str.isascii), LINE))
def test_what_is_written_is_what_is_read(word: str, env: dict[str, str]) -> None:
    settings = Settings(
        project=ProjectSettings(name="x"),
        timing=TimingSettings(idle_threshold=0.25),
        claude=ClaudeSettings(command=("claude", word), env=env, trust_folder=True),
    )
    text = settings_text(settings)
    assert parse_settings(tomllib.loads(text), text=text) == settings
