"""ccmux.toml.example is the settings, set in type."""

from __future__ import annotations

import operator
import re
import tomllib
from dataclasses import fields
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.settings import (
    NAMED_TABLES,
    TABLES,
    AdapterSettings,
    ClaudeSettings,
    ProjectSettings,
    Settings,
    TaskSettings,
    TimerSettings,
    TimingSettings,
    parse_settings,
)
from ccmux.core.settings_text import EXAMPLES, FIRST_TIMERS, settings_text

EXAMPLE = (Path(__file__).parents[2] / "ccmux.toml.example").read_text()


FIRST = Settings(timers=FIRST_TIMERS)


def test_the_example_is_what_the_settings_say() -> None:
    assert settings_text(FIRST) == EXAMPLE


def test_the_example_holds_every_key_and_no_other_and_means_the_defaults() -> None:
    table = tomllib.loads(EXAMPLE)
    assert table.pop("timers").keys() == {"selfcheck"}
    assert {name: set(keys) for name, keys in table.items()} == {
        name: {key.name for key in fields(shape)} for name, shape in TABLES.items()
    }
    assert parse_settings(tomllib.loads(EXAMPLE), text=EXAMPLE) == FIRST


def test_every_key_of_the_example_has_a_comment_above_it() -> None:
    lines = EXAMPLE.partition("# [timers.NAME]")[0].split("\n")
    bare = [line for above, line in pairwise(lines) if " = " in line and "#" not in line[:1] + above[:1]]
    assert bare == []


def test_the_commented_examples_come_to_life_and_hold_every_key() -> None:
    lines = EXAMPLE.partition("# [timers.NAME]")[2].split("\n")
    live = "\n".join(re.sub(r"^# (?=\[[\w.]+\.\w+\]$|\w+ = )", "", line) for line in lines[1:])
    table = tomllib.loads(live)
    assert parse_settings(table, text=live) == Settings(
        timers={**FIRST_TIMERS, **EXAMPLES.timers},
        adapters=EXAMPLES.adapters,
        overseer_tasks=EXAMPLES.overseer_tasks,
    )
    for name, shape in NAMED_TABLES.items():
        keys = {key.name for key in fields(shape)}
        entries = reduce(operator.getitem, name.split("."), table)
        assert {key for entry in entries.values() for key in entry} == keys
        told = EXAMPLE.partition(f"# [{name}.NAME]")[2].partition("\n\n")[0]
        assert {line[4:].split(" ")[0] for line in told.split("\n")[1:] if line[4] != " "} == keys


def test_the_default_of_each_number_of_a_named_table_stands_with_its_meaning() -> None:
    for name, shape in NAMED_TABLES.items():
        told = EXAMPLE.partition(f"# [{name}.NAME]")[2].partition("\n\n")[0]
        for key in fields(shape):
            if isinstance(key.default, int | float):
                meaning = re.split(r"\n#   (?=\w)", told.partition(f"\n#   {key.name} ")[2])[0]
                assert re.search(rf"\b{key.default}\b.*if not set", meaning), (name, key.name)


def test_a_shape_without_docstrings_still_gives_every_key(monkeypatch: Any) -> None:
    for shape in (*TABLES.values(), *NAMED_TABLES.values()):
        monkeypatch.setattr(shape, "__doc__", None)
    assert tomllib.loads(settings_text(FIRST)) == tomllib.loads(EXAMPLE)


LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"))
NO_CHARACTERS = "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
) + "".join(map(chr, range(0xFDD0, 0xFDF0)))
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NO_CHARACTERS)) | st.text(
    "a\u0080 \"'\\$%#[]"
)
SOME = PLAIN.filter(str.strip)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)
VARIABLE = st.from_regex(r"[A-Za-z_]\w*", fullmatch=True).filter(str.isascii)
ENV = st.dictionaries(VARIABLE, PLAIN, max_size=2)
PROGRAM = st.tuples(SOME, PLAIN) | st.tuples(SOME)
COMMON = {
    "description": PLAIN.filter(lambda text: not text.endswith("\\")),
    "syslog": st.just("") | NAME,
    "env": ENV,
}
WHEN: dict[str, Any] = {
    "startup_delay": st.sampled_from(["30s", "1h 2.5min"]),
    "schedule": st.lists(SOME, max_size=2).map(tuple),
}
TIMERS = st.builds(TimerSettings, **COMMON, **WHEN, exec=PROGRAM) | st.builds(
    TimerSettings, **COMMON, **WHEN, message=SOME, channel=st.just("") | NAME
)
ADAPTERS = st.builds(
    AdapterSettings,
    **COMMON,
    exec=PROGRAM | st.just(()),
    restart_delay=st.integers(0, 86_400) | st.floats(0, 86_400),
)


TASKS = st.builds(
    TaskSettings,
    command=PROGRAM,
    env=ENV,
    restart_delay=st.integers(0, 86_400) | st.floats(0, 86_400),
    error_threshold=st.integers(0, 10_000),
)


@given(LINE, ENV)
def test_what_is_written_is_what_is_read(word: str, env: dict[str, str]) -> None:
    settings = Settings(
        project=ProjectSettings(name="x"),
        timing=TimingSettings(idle_threshold=0.25),
        claude=ClaudeSettings(command=("claude", word), env=env, trust_folder=True),
    )
    text = settings_text(settings)
    assert parse_settings(tomllib.loads(text), text=text) == settings


@given(
    st.dictionaries(NAME.map("t{}".format), TIMERS, max_size=2),
    st.dictionaries(NAME.map("a{}".format), ADAPTERS, max_size=2),
    st.dictionaries(NAME, TASKS, max_size=2),
)
def test_what_users_name_is_read_as_it_was_written(timers: Any, adapters: Any, tasks: Any) -> None:
    settings = Settings(timers=timers, adapters=adapters, overseer_tasks=tasks)
    text = settings_text(settings)
    assert parse_settings(tomllib.loads(text), text=text) == settings
