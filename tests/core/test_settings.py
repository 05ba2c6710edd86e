"""What may stand in ccmux.toml, and what is said of what may not."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.settings import (
    TABLES,
    Problem,
    ProjectSettings,
    Settings,
    parse_settings,
    project_name,
)


def problems_of(text: str) -> list[str]:
    read = parse_settings(tomllib.loads(text), text=text)
    return [] if isinstance(read, Settings) else [str(problem) for problem in read]


def settings_of(text: str) -> Settings:
    read = parse_settings(tomllib.loads(text), text=text)
    assert isinstance(read, Settings), read
    return read


def test_an_empty_file_means_the_defaults() -> None:
    assert settings_of("") == Settings()


def test_every_table_of_the_settings_is_known_to_the_reader_and_no_other() -> None:
    assert [table.name for table in fields(Settings)] == list(TABLES)


def test_every_key_has_a_check_that_takes_its_default() -> None:
    for table in fields(Settings):
        values: Any = getattr(Settings(), table.name)
        for key in fields(values):
            value = getattr(values, key.name)
            plain = list(value) if isinstance(value, tuple) else value
            assert key.metadata["check"](plain) == value


def test_every_key_can_be_set() -> None:
    settings = settings_of(
        """
        project.name = "my_Project-1"
        [runtime]
        dir = "~/run"
        [timing]
        idle_threshold = 0
        silence_timeout = 0.5
        [mcp]
        port = 65535
        [claude]
        command = ["/opt/claude", "x"]
        args = ["--model", "opus"]
        proxy = "socks5h://127.0.0.1:1080"
        trust_folder = true
        [claude.env]
        A_1 = "one"
        [tmux]
        socket = "mine"
        [recovery]
        backoff_initial = 0.1
        backoff_cap = 0.1
        reset_after_s = 600
        [injection]
        batch_messages = 1
        batch_chars = 100
        inline_chars = 100
        [input]
        max_message_bytes = 4096
        remember_ids = 0.5
        [output]
        backlog_bytes = 65536
        keep_events = 1
        """
    )
    assert settings.project.name == "my_Project-1"
    assert settings.claude.command == ("/opt/claude", "x")
    assert settings.claude.env == {"A_1": "one"}
    assert settings.timing.silence_timeout == 0.5


REFUSED = {
    "a word for a number": ('[timing]\nidle_threshold = "30"', "must be a number of seconds, 0 or more"),
    "true is no number": ("[timing]\nidle_threshold = true", "it is true or false"),
    "below nothing": ("[timing]\nidle_threshold = -1", "it is -1"),
    "no end": ("[timing]\nidle_threshold = inf", "it is inf"),
    "not a number": ("[timing]\nidle_threshold = nan", "it is nan"),
    "a date": ("[timing]\nidle_threshold = 2020-01-01", "it is a date or time"),
    "port 0": ("[mcp]\nport = 0", "a whole number from 1 to 65_535, it is 0"),
    "port too high": ("[mcp]\nport = 65536", "it is 65536"),
    "a port in parts": ("[mcp]\nport = 1.5", "a whole number"),
    "true is no port": ("[mcp]\nport = true", "it is true or false"),
    "a list for a name": ("[project]\nname = []", "must be a string, it is a list"),
    "a dot in the name": ('[project]\nname = "a.b"', "must be letters, digits"),
    "too long a name": (f'[project]\nname = "{"a" * 65}"', "at most 64"),
    "a newline behind the name": ('[project]\nname = "a\\n"', "one line"),
    "a relative directory": ('[runtime]\ndir = "run"', "absolute path"),
    "another's home": ('[runtime]\ndir = "~bob/run"', "absolute path"),
    "NUL": ('[runtime]\ndir = "/a\\u0000"', "NUL"),
    "a directory no socket fits into": (f'[runtime]\ndir = "/{"a" * 90}"', "too long"),
    "a number for a directory": ("[runtime]\ndir = 1", "must be a string, it is a number"),
    "no program": ("[claude]\ncommand = []", "must name a program"),
    "an empty program": ('[claude]\ncommand = [""]', "must name a program"),
    "a string for a command": ('[claude]\ncommand = "claude"', "a list of strings"),
    "a number in a command": ('[claude]\ncommand = ["claude", 1]', "a list of strings"),
    "NUL in a command": ('[claude]\ncommand = ["cl\\u0000"]', "NUL"),
    "a string for arguments": ('[claude]\nargs = "-x"', "a list of strings"),
    "a proxy without scheme": ('[claude]\nproxy = "localhost:80"', "must be a URL"),
    "a proxy that is no proxy": ('[claude]\nproxy = "ftp://x"', "must be a URL"),
    "env is a table": ('[claude]\nenv = "A=1"', "must be a table of strings"),
    "env has names": ('[claude]\nenv = { "A-B" = "1" }', "'A-B', which cannot be a variable's name"),
    "env has strings": ("[claude]\nenv = { A = 1 }", "A, which must be a string"),
    "env has lines": ('[claude]\nenv = { A = "a\\nb" }', "A, which must be one line"),
    "a word for yes": ('[claude]\ntrust_folder = "yes"', "must be true or false, it is a string"),
    "1 is not yes": ("[claude]\ntrust_folder = 1", "must be true or false, it is a number"),
    "a path for a socket": ('[tmux]\nsocket = "/tmp/x"', "must be a name"),
    "no wait at all": ("[recovery]\nbackoff_initial = 0", "above 0"),
    "a cap below the first wait": ("[recovery]\nbackoff_cap = 0.5", "must not be below backoff_initial"),
    "no day": ("[input]\nremember_ids = 0", "days above 0"),
    "a table that is a list": ("[[timing]]\nidle_threshold = 1", "must be a table, it is a list"),
    "a table in a key's place": ("[mcp.port]\nx = 1", "it is a table"),
}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_its_meaning(text: str, says: str) -> None:
    (problem,) = problems_of(text)
    assert says in problem


@pytest.mark.parametrize(
    "argument",
    [
        *("--resume", "-r", "--continue", "-c", "--session-id", "--bare", "--safe-mode", "-p", "--print"),
        *("--fork-session", "--tmux", "--bg", "--resume=x", "-rx", "--tmux=classic"),
    ],
)
def test_arguments_that_would_break_us_are_refused_with_the_reason(argument: str) -> None:
    (problem,) = problems_of(f'[claude]\nargs = ["--model", "x", "{argument}"]')
    assert problem.startswith("line 2: [claude] args must not hold -")
    assert ": " in problem.partition("must not hold")[2]


@pytest.mark.parametrize("argument", ["--permission-mode", "opus", "-d", "-", "", "--resumes", "--model=-p"])
def test_other_arguments_are_taken(argument: str) -> None:
    assert settings_of(f'[claude]\nargs = ["{argument}"]').claude.args == (argument,)


def test_secrets_are_never_repeated() -> None:
    text = '[claude]\nproxy = "secret@host"\nenv = { A = "sec\\nret", B = 1 }'
    assert not any("sec" in problem for problem in problems_of(text))


def test_all_problems_come_at_once_in_the_order_of_their_lines() -> None:
    text = """\
# a comment
idle_threshold = 3
[mcp]
port = 0
prot = 1
[tming]
x = 1
[claude]
args = ["-c"]
quux = 1
"""
    assert problems_of(text) == [
        "line 2: idle_threshold belongs into the table [timing]",
        "line 4: [mcp] port must be a whole number from 1 to 65_535, it is 0",
        "line 5: [mcp] prot is no setting; did you mean port?",
        "line 6: [tming] is no table; did you mean timing?",
        "line 9: [claude] args must not hold -c: ccmux itself chooses the session, by its id",
        "line 10: [claude] quux is no setting; there are: command, args, proxy, env, trust_folder",
    ]


LINES = {
    "plain": ("[mcp]\n\nport = 0", 3),
    "dotted": ("\nmcp.port = 0", 2),
    "spaced": ("[ mcp ] # here\n  port=0", 2),
    "quoted": ('["mcp"]\n"port" = 0', 2),
    "inline": ("\nmcp = { port = 0 }", None),
    "behind a long string": ('[claude]\nproxy = """\\\n[mcp]\nport = 1"""\n[mcp]\nport = 0', 6),
}


@pytest.mark.parametrize(("text", "line"), LINES.values(), ids=LINES)
def test_a_problem_tells_its_line_where_it_can_be_known(text: str, line: int | None) -> None:
    read = parse_settings(tomllib.loads(text), text=text)
    assert isinstance(read, list)
    assert [problem.line for problem in read if problem.where == "[mcp] port"] == [line]


def test_a_problem_without_a_line_says_the_rest() -> None:
    assert str(Problem(line=None, where="[a] b", says="must not be")) == "[a] b must not be"


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_table_whatever_makes_the_reader_fail(table: object) -> None:
    content = table if isinstance(table, dict) else {"mcp": {"port": table}}
    assert isinstance(parse_settings(content, text=""), Settings | list)


FOLDERS = {
    "app": "app",
    "my.app": "my-app",
    "a:b c": "a-b-c",
    ".dot": "dot",
    "": "project",
    "日本": "project",
}


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_the_folder_names_the_project_and_is_made_to_fit(folder: str, name: str) -> None:
    assert project_name(Settings(), folder) == name


def test_a_name_that_is_set_wins() -> None:
    assert project_name(Settings(project=ProjectSettings(name="x")), "folder") == "x"


@given(st.text())
def test_every_folder_becomes_a_name_that_may_be_set(folder: str) -> None:
    name = project_name(Settings(), folder)
    assert settings_of(f'[project]\nname = "{name}"').project.name == name
