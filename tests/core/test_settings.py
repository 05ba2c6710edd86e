"""What may stand in ccmux.toml, and what is said of what may not."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccmux.core.settings
from ccmux.core.settings import (
    NAMED_TABLES,
    TABLES,
    AdapterSettings,
    McpSettings,
    Problem,
    ProjectSettings,
    Settings,
    TaskSettings,
    TimerSettings,
    attribute,
    parse_settings,
    parse_what_fits,
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
    assert [table.name for table in fields(Settings)] == [*TABLES, *map(attribute, NAMED_TABLES)]


def test_every_key_has_a_check_that_takes_its_default() -> None:
    for shape in (*TABLES.values(), *NAMED_TABLES.values()):
        values: Any = shape()
        for key in fields(values):
            value = getattr(values, key.name)
            plain = list(value) if isinstance(value, tuple) else value
            assert key.metadata["check"](plain) == value


def test_only_what_it_has_can_be_had_of_the_room() -> None:
    with pytest.raises(AttributeError, match="'Timer'"):
        _ = ccmux.core.settings.Timer


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
        [relay]
        enabled = true
        host = "fe80::1%eth0"
        port = 443
        origins = ["https://blog.example.com", "*"]
        proxies = ["10.0.0.0/8", "::1"]
        certfile = "~/cert.pem"
        keyfile = "/etc/key.pem"
        [timers.all]
        description = "Every %"
        schedule = ["daily", "Mon 07:00"]
        startup_delay = "1h 5.5min 3"
        exec = ["a", "b c"]
        syslog = "a.b_c-d"
        env = { A = "ü b" }
        [timers.small]
        startup_delay = "30s"
        message = "good morning"
        channel = "clock.morning"
        [adapters.door]
        description = "Rings"
        exec = '''~/bin/door --name "front door" '' $HOME'''
        syslog = "door"
        restart_delay = 0.5
        [adapters.door.env]
        B_2 = "x"
        """
    )
    assert settings.timers == {
        "all": TimerSettings(
            description="Every %",
            schedule=("daily", "Mon 07:00"),
            startup_delay="1h 5.5min 3",
            exec=("a", "b c"),
            syslog="a.b_c-d",
            env={"A": "ü b"},
        ),
        "small": TimerSettings(startup_delay="30s", message="good morning", channel="clock.morning"),
    }
    assert settings.adapters == {
        "door": AdapterSettings(
            description="Rings",
            exec=("~/bin/door", "--name", "front door", "", "$HOME"),
            syslog="door",
            restart_delay=0.5,
            env={"B_2": "x"},
        )
    }
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
    "a host that is none": ('[relay]\nhost = "a b"', "must be a name or an address"),
    "no host": ('[relay]\nhost = ""', "must be a name or an address"),
    "a site without scheme": ('[relay]\norigins = ["blog.example"]', "must be a list of sites"),
    "a site for a list": ('[relay]\norigins = "https://blog.example"', "a list of strings"),
    "a proxy by name": ('[relay]\nproxies = ["nginx"]', "must be a list of addresses or networks"),
    "a certificate somewhere": ('[relay]\ncertfile = "cert.pem"', "absolute path"),
    "a number for a certificate": ("[relay]\ncertfile = 1", "must be a string"),
    "a certificate without key": ('[relay]\ncertfile = "/c"', "and keyfile must stand beside each other"),
    "a key without certificate": ('[relay]\nkeyfile = "/c"', "and keyfile must stand beside each other"),
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


def timer(keys: str) -> str:
    return f"[timers.x]\nstartup_delay = '1s'\nexec = 'true'\n{keys}"


def program(keys: str) -> str:
    return f"[timers.x]\nexec = 'true'\n{keys}"


def daily(keys: str) -> str:
    return f"[timers.x]\nschedule = 'daily'\n{keys}"


def message(keys: str) -> str:
    return f"[timers.x]\nstartup_delay = '1s'\nmessage = 'm'\n{keys}"


LONG = "a" * 16_001
REFUSED_OF_UNITS = {
    "no table": ("timers = 1", "[timers] must be a table, it is a number"),
    "a list of tables": ("[[timers]]\nx = 1", "[timers] must be a table, it is a list"),
    "keys without a name": (
        '[timers]\nschedule = "daily"',
        "line 2: [timers] schedule must be a table of its own: [timers.NAME], it is a string",
    ),
    "a dot in the name": ('[adapters."a.b"]', "[adapters.a.b] must be named with letters"),
    "too long a name": (f"[adapters.{'a' * 65}]", "at most 64"),
    "our own unit": (
        "\n[adapters.reconcile]",
        "line 2: [adapters.reconcile] must be named otherwise: ccmux-reconcile",
    ),
    "one name twice": (
        timer("[adapters.x]"),
        "line 1: [timers.x] must be named otherwise: [adapters.x] would be the same ccmux-x.service",
    ),
    "nothing to do": (
        '[timers.x]\nschedule = "daily"',
        "line 1: [timers.x] needs exec (a program to start) or message (a line for Claude)",
    ),
    "empty is nothing": ('[timers.x]\nschedule = "daily"\nexec = []\nmessage = ""', "[timers.x] needs exec"),
    "two things to do": (timer("message = 'm'"), "line 4: [timers.x] message cannot stand beside exec"),
    "never": (program("schedule = []"), "[timers.x] needs schedule"),
    "a channel for a program": (timer("channel = 'c'"), "line 4: [timers.x] channel goes with message only"),
    "a misspelt key alone": (
        daily("exce = 'x'"),
        "line 3: [timers.x] exce is no setting; did you mean exec?",
    ),
    "a key of timers": (
        "[adapters.x]\nschedule = 'daily'",
        "is no setting; there are: description, exec, env, syslog, restart_delay",
    ),
    "two lines of description": (timer('description = "a\\nb"'), "must be one line"),
    "a control character": (timer('description = "a\\rb"'), "without control characters"),
    "what joins lines": (timer("description = 'a\\'"), "must not end with a backslash"),
    "a number for a message": (
        daily("message = 1"),
        "must be a string, it is a number",
    ),
    "a message of lines": (
        daily("message = 'a\tb'"),
        "must be one line without control characters",
    ),
    "a message of nothing": (daily("message = ' '"), "must say something"),
    "a message of another's": (daily("message = '-'"), "must say something"),
    "what is no character": (timer('description = "\\ufdd0"'), "without control characters"),
    "what will be no character": (timer('description = "\\U0001fffe"'), "without control characters"),
    "too long a message": (
        daily(f"message = '{LONG}'"),
        "at most 16_000 characters",
    ),
    "no channel": (message("channel = 'a b'"), "must be a channel"),
    "a number for a calendar": (program("schedule = 7"), "must be a calendar like"),
    "numbers for calendars": (program("schedule = [7]"), "or a list of them, it is a list"),
    "an empty calendar": (timer("schedule = [' ']"), "each one line"),
    "a calendar of lines": (timer('schedule = "daily\\nweekly"'), "each one line"),
    "a number for a span": (
        program("startup_delay = 30"),
        "must be a string, it is a number",
    ),
    "a span of nothing": (program("startup_delay = ' '"), "must be a time span like"),
    "an unknown span": (program("startup_delay = '3 parsecs'"), "systemd.time(7)"),
    "a span backwards": (program("startup_delay = '-3s'"), "must be a time span like"),
    "a span of years": (program("startup_delay = '2y'"), "at most a year"),
    "an open quote": (
        daily("exec = 'a \"b'"),
        "[timers.x] exec cannot be split into words as a shell would: no closing quotation",
    ),
    "an open escape": ("[adapters.x]\nexec = 'a \\'", "as a shell would: no escaped character"),
    "a number for a program": ("[adapters.x]\nexec = 1", "must be a list of words, or a string"),
    "numbers for words": ("[adapters.x]\nexec = ['a', 1]", "must be a list of words, or a string"),
    "words of lines": ('[adapters.x]\nexec = ["a", "b\\n"]', "must not hold control characters"),
    "a program without a name": ("[adapters.x]\nexec = ['', 'b']", "must name a program"),
    "nothing but space": ("[adapters.x]\nexec = '  '", "must name a program"),
    "env is a table": (timer("env = 'A=1'"), "must be a table of strings"),
    "env is plain": (
        timer('env = { A = "a\\u0007" }'),
        "A, which must be one line without control characters",
    ),
    "a space in syslog": (timer("syslog = 'a b'"), "must be letters, digits, _, . and -"),
    "no delay": ("[adapters.x]\nrestart_delay = -1", "from 0 to 86_400, it is -1"),
    "too long a delay": ("[adapters.x]\nrestart_delay = 86401", "from 0 to 86_400, it is 86401"),
}


@pytest.mark.parametrize(("text", "says"), REFUSED_OF_UNITS.values(), ids=REFUSED_OF_UNITS)
def test_what_cannot_be_a_unit_is_refused_with_its_meaning(text: str, says: str) -> None:
    (problem,) = problems_of(text)
    assert says in problem


TASKS = {
    "no command": ("[overseer.tasks.x]\nrestart_delay = 1", "line 1: [overseer.tasks.x] needs command"),
    "an empty command": ("[overseer.tasks.x]\ncommand = []", "[overseer.tasks.x] needs command"),
    "a misspelt key": (
        "[overseer.tasks.x]\ncomand = 'x'",
        "line 2: [overseer.tasks.x] comand is no setting; did you mean command?",
    ),
    "a name that cannot be": (
        '[overseer.tasks."a b"]\ncommand = "x"',
        "[overseer.tasks.a b] must be named with letters, digits, _ and -, at most 64",
    ),
    "no table": ("[overseer]\ntasks = 1", "line 2: [overseer.tasks] must be a table, it is a number"),
    "another table": (
        "[overseer.jobs.x]\ncommand = 'x'",
        "[overseer.jobs] is no table; did you mean overseer.tasks?",
    ),
    "no table at all": ("overseer = 1", "[overseer] is no table; did you mean overseer.tasks?"),
    "half an end": (
        "[overseer.tasks.x]\ncommand = 'x'\nerror_threshold = 0.5",
        "a whole number from 0 to 10_000",
    ),
}


@pytest.mark.parametrize(("text", "says"), TASKS.values(), ids=TASKS)
def test_what_cannot_be_a_task_is_refused_with_its_meaning(text: str, says: str) -> None:
    (problem,) = problems_of(text)
    assert says in problem


def test_tasks_are_read() -> None:
    text = """\
[overseer.tasks.overseer]
command = "ccmux-telegram --quiet"
[overseer.tasks.tunnel]
command = ["ssh", "box"]
restart_delay = 2.5
"""
    assert settings_of(text).overseer_tasks == {
        "overseer": TaskSettings(command=("ccmux-telegram", "--quiet")),
        "tunnel": TaskSettings(command=("ssh", "box"), restart_delay=2.5),
    }
    assert settings_of("[overseer]") == Settings()


def test_a_task_that_is_wrong_is_left_out_for_who_looks_on() -> None:
    text = "[overseer.tasks.x]\nrestart_delay = 1\n[overseer.tasks.y]\ncommand = 'y'\nmin_uptime = -1"
    settings, problems = parse_what_fits(tomllib.loads(text), text=text)
    assert settings.overseer_tasks == {"y": TaskSettings(command=("y",))}
    assert len(problems) == 2


def test_empty_is_left_out() -> None:
    text = "[timers.x]\nschedule = ''\nstartup_delay = '1s'\nexec = ''\nmessage = 'm'"
    assert settings_of(text).timers == {"x": TimerSettings(startup_delay="1s", message="m")}


def test_problems_of_all_timers_and_adapters_come_at_once() -> None:
    text = """\
[timers.a]
schedle = "daily"
exec = 'x "'
[timers.b]
[adapters.b]
exce = "x"
[timer.c]
"""
    assert problems_of(text) == [
        "line 2: [timers.a] schedle is no setting; did you mean schedule?",
        "line 3: [timers.a] exec cannot be split into words as a shell would: no closing quotation",
        "line 4: [timers.b] needs exec (a program to start) or message (a line for Claude)",
        'line 4: [timers.b] needs schedule ("daily", "Mon 07:00") or startup_delay ("30s")',
        "line 4: [timers.b] must be named otherwise: [adapters.b] would be the same ccmux-b.service",
        "line 6: [adapters.b] exce is no setting; did you mean exec?",
        "line 7: [timer] is no table; did you mean timers?",
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


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    lambda inner: st.dictionaries(st.text() | st.sampled_from(["exec", "schedule", "message", "env"]), inner),
)


@given(WHATEVER)
def test_no_table_whatever_makes_the_reader_fail(table: object) -> None:
    content = table if isinstance(table, dict) else {"mcp": {"port": table}}
    assert isinstance(parse_settings(content, text=""), Settings | list)
    assert isinstance(parse_settings({"timers": table, "adapters": {"x": table}}, text=""), Settings | list)


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


def test_what_fits_is_read_beside_all_that_does_not() -> None:
    text = """\
[mcp]
port = 99
prot = 1
[timing]
idle_threshold = -1
[timers]
loose = 1
[timers."no name"]
schedule = "daily"
[timers.late]
schedule = "daily"
startup_delay = "soon"
exec = 'x "'
[adapters.typo]
exce = "x"
[adapters.wrong]
exec = 3
[adapters.slow]
exec = "slow"
restart_delay = -1
[adapters.plain]
"""
    settings, problems = parse_what_fits(tomllib.loads(text), text=text)
    assert [str(problem) for problem in problems] == problems_of(text)
    assert settings == Settings(
        mcp=McpSettings(port=99),
        timers={"late": TimerSettings(schedule=("daily",))},
        adapters={"slow": AdapterSettings(exec=("slow",)), "plain": AdapterSettings()},
    )
    assert parse_what_fits({}, text="") == (Settings(), [])


def test_only_tables_can_have_one_name_twice() -> None:
    (problem, other) = problems_of("[timers]\nx = 1\n[adapters]\nx = 1\n")
    assert "must be a table of its own" in problem
    assert "must be a table of its own" in other
    assert "must be a table" in problems_of("timers = 1\n[adapters.x]\n")[0]
