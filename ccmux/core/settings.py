"""The settings: every table, every key, its default, its meaning and what it may be.

One dataclass a TOML table; the class docstrings are the words users read in `ccmux.toml.example` as well.
It reads no file and no environment, and it never repeats a value that may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

NAME_RULE = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

_LONGEST_DIR = 90
"""Bytes. A Unix socket's path ends at 107 (unix(7)); the longest name of ours below it is `/control.sock`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A value that cannot be; `says` goes on after the key's name: "must be ..."."""

    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in the file. `line` counts from 1, None where it has none; `where` is `[table] key`."""

    line: int | None
    where: str
    says: str

    def __str__(self) -> str:
        at = "" if self.line is None else f"line {self.line}: "
        return f"{at}{self.where} {self.says}"


# ------------------------------------------------------------------------------------ what a value may be

Check = Callable[[Any], Any]
"""Return the value to keep, or Refused."""


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else "a date or time")


def _text(value: object) -> object:
    if not isinstance(value, str):
        return Refused(f"must be a string, it is {_kind(value)}")
    if "\0" in value or "\n" in value:
        return Refused("must be one line without NUL")
    return value


def _matching(rule: str, says: str) -> Check:
    def check(value: object) -> object:
        text = _text(value)
        # Compiled when it is needed, as all patterns here: every `ccmux send` reads the settings.
        if isinstance(text, str) and re.fullmatch(rule, text) is None:
            return Refused(says)
        return text

    return check


def _folder(value: object) -> object:
    path = _text(value)
    if isinstance(path, str):
        if not (path.startswith(("/", "~/")) or path == "~"):
            return Refused("must be an absolute path or start with ~/")
        if len(path.encode()) > _LONGEST_DIR:
            return Refused(f"is too long for a socket's path: at most {_LONGEST_DIR} bytes")
    return path


def _number(says: str, *, least: float = 0, above: float | None = None) -> Check:
    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Refused(f"must be {says}, it is {_kind(value)}")
        if not math.isfinite(value) or value < least or (above is not None and value <= above):
            return Refused(f"must be {says}, it is {value}")
        return value

    return check


def _whole(least: int, most: int) -> Check:
    says = f"a whole number from {least:_} to {most:_}"

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            return Refused(f"must be {says}, it is {_kind(value)}")
        return value if least <= value <= most else Refused(f"must be {says}, it is {value}")

    return check


def _yes_no(value: object) -> object:
    return value if isinstance(value, bool) else Refused(f"must be true or false, it is {_kind(value)}")


def _words(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return Refused('must be a list of strings: ["one", "two"]')
    if any("\0" in word for word in value):
        return Refused("must not hold a NUL")
    return tuple(value)


def _command(value: object) -> object:
    words = _words(value)
    if isinstance(words, tuple) and (not words or not words[0]):
        return Refused('must name a program: ["claude"]')
    return words


_RESUMES = "ccmux itself chooses the session, by its id"
_ENDS = "Claude would not stay in its terminal"
_DEAF = "it takes away the hooks that ccmux hears Claude by"
_BREAKING = {
    "--resume": _RESUMES,
    "-r": _RESUMES,
    "--continue": _RESUMES,
    "-c": _RESUMES,
    "--session-id": _RESUMES,
    "--from-pr": _RESUMES,
    "--fork-session": "ccmux would follow a session that Claude has left",
    "--bare": _DEAF,
    "--safe-mode": _DEAF,
    "--restricted": _DEAF,
    "-p": _ENDS,
    "--print": _ENDS,
    "--bg": _ENDS,
    "--background": _ENDS,
    "--cloud": _ENDS,
    "--desktop": _ENDS,
    "--teleport": _ENDS,
    "-h": _ENDS,
    "--help": _ENDS,
    "-v": _ENDS,
    "--version": _ENDS,
    "--tmux": "it makes a tmux session of its own beside ours",
}
"""Arguments of Claude Code 2.1.329 that would break what ccmux does, each with the reason."""


def _arguments(value: object) -> object:
    words = _words(value)
    if not isinstance(words, tuple):
        return words
    for word in words:
        # `--resume=ID` and `-rID` are the same arguments, written together with their value.
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if name in _BREAKING:
            return Refused(f"must not hold {name}: {_BREAKING[name]}")
    return words


def _variables(value: object) -> object:
    if not isinstance(value, dict):
        return Refused('must be a table of strings: { NAME = "value" }')
    for name, text in value.items():
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) is None:
            return Refused(f"holds {name!r}, which cannot be a variable's name")
        if not isinstance(text, str):
            return Refused(f"holds {name}, which must be a string, it is {_kind(text)}")
        if "\0" in text or "\n" in text:
            return Refused(f"holds {name}, which must be one line without NUL")
    return dict(value)


def _check(check: Check) -> dict[str, Check]:
    return {"check": check}


_SECONDS = _check(_number("a number of seconds, 0 or more"))
_SOME_SECONDS = _check(_number("a number of seconds above 0", above=0))
_DAYS = _check(_number("a number of days above 0", above=0))

# ------------------------------------------------------------------------------------------- the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What this place is called.

    Attributes:
        name: The tmux session is ccmux-NAME, the state lies in ~/.ccmux/data/ccmux/NAME; "" is the
            folder's name. Letters, digits, _ and -.

    """

    name: str = field(
        default="",
        metadata=_check(_matching(f"(?:{NAME_RULE})?", "must be letters, digits, _ and -, at most 64")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """Where FIFOs and sockets are.

    Attributes:
        dir: Made by the daemon, for you alone (0700); absolute or ~/...; one daemon a directory.

    """

    dir: str = field(default="/tmp/ccmux", metadata=_check(_folder))  # noqa: S108 - promised to writers


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingSettings:
    """When a message may be typed.

    Attributes:
        idle_threshold: Seconds without a key of yours at the attached terminal before ccmux types.
        silence_timeout: Seconds after a prompt in which a Claude that looks idle is not believed to be, where
            nothing told the end of its turn.
        draft_patience_s: Seconds after which a draft of yours that nobody touches is put aside (Ctrl-S) for
            a message; Claude puts it back at once. 0 is never: messages wait for you.

    """

    idle_threshold: float = field(default=30, metadata=_SECONDS)
    silence_timeout: float = field(default=3, metadata=_SECONDS)
    draft_patience_s: float = field(default=0, metadata=_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """The HTTP face on 127.0.0.1: MCP, API, event streams.

    Attributes:
        port: TCP port, 1 to 65535; every daemon of this machine needs its own.

    """

    port: int = field(default=9876, metadata=_check(_whole(1, 65535)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeSettings:
    """How Claude Code is started.

    Attributes:
        command: The program and its first words, as a list.
        args: Arguments behind it; those by which ccmux leads the session (--resume, ...) are refused.
        proxy: HTTP_PROXY and HTTPS_PROXY of Claude alone: "http://host:port", socks5:// works too; "" none.
        env: More environment variables of Claude's: { NAME = "value" }.
        trust_folder: true answers Claude's folder-trust question with yes; false leaves it to you.

    """

    command: tuple[str, ...] = field(default=("claude",), metadata=_check(_command))
    args: tuple[str, ...] = field(default=("--dangerously-skip-permissions",), metadata=_check(_arguments))
    proxy: str = field(
        default="",
        metadata=_check(
            _matching(r"(?:(?:https?|socks[45][ah]?)://[^\s/]+/?)?", "must be a URL like http://host:port")
        ),
    )
    env: Mapping[str, str] = field(default_factory=dict, metadata=_check(_variables))
    trust_folder: bool = field(default=False, metadata=_check(_yes_no))


@dataclass(frozen=True, slots=True, kw_only=True)
class TmuxSettings:
    """Which tmux server hosts the session.

    Attributes:
        socket: A name for `tmux -L`; "" is the default server.

    """

    socket: str = field(
        default="",
        metadata=_check(_matching(f"(?:{NAME_RULE})?", "must be a name of letters, digits, _ and -")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """What happens after Claude died.

    Attributes:
        backoff_initial: Seconds before the first restart; doubled at each crash.
        backoff_cap: Seconds it never waits longer than.
        reset_after_s: Seconds of health after which the wait starts small again; 0 is never.
        continue_crashed: true asks Claude to go on with what a crash of it cut; at most three times each.

    """

    backoff_initial: float = field(default=1, metadata=_SOME_SECONDS)
    backoff_cap: float = field(default=60, metadata=_SOME_SECONDS)
    reset_after_s: float = field(default=0, metadata=_SECONDS)
    continue_crashed: bool = field(default=True, metadata=_check(_yes_no))


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionSettings:
    """How much is typed at once.

    Attributes:
        batch_messages: Waiting messages in one injection, at most.
        batch_chars: Characters in one injection, at most.
        inline_chars: A message longer than this is kept in a file, and Claude is told where.

    """

    batch_messages: int = field(default=20, metadata=_check(_whole(1, 1_000)))
    batch_chars: int = field(default=20_000, metadata=_check(_whole(100, 1_000_000)))
    inline_chars: int = field(default=20_000, metadata=_check(_whole(100, 1_000_000)))


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """What is taken from writers.

    Attributes:
        max_message_bytes: The longest line; longer ones are kept as dead letters.
        remember_ids: Days for which a sender's own id is taken only once.

    """

    max_message_bytes: int = field(default=1_048_576, metadata=_check(_whole(4_096, 67_108_864)))
    remember_ids: float = field(default=7, metadata=_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """What subscribers get.

    Attributes:
        backlog_bytes: A subscriber that lags by more is cut off and told where to go on.
        keep_events: Days the event log is kept.

    """

    backlog_bytes: int = field(default=8_388_608, metadata=_check(_whole(65_536, 1_073_741_824)))
    keep_events: float = field(default=30, metadata=_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All tables. Each service is given its own table, never this."""

    project: ProjectSettings = field(default_factory=ProjectSettings)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    timing: TimingSettings = field(default_factory=TimingSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    claude: ClaudeSettings = field(default_factory=ClaudeSettings)
    tmux: TmuxSettings = field(default_factory=TmuxSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    injection: InjectionSettings = field(default_factory=InjectionSettings)
    input: InputSettings = field(default_factory=InputSettings)
    output: OutputSettings = field(default_factory=OutputSettings)


TABLES: Mapping[str, type] = {
    "project": ProjectSettings,
    "runtime": RuntimeSettings,
    "timing": TimingSettings,
    "mcp": McpSettings,
    "claude": ClaudeSettings,
    "tmux": TmuxSettings,
    "recovery": RecoverySettings,
    "injection": InjectionSettings,
    "input": InputSettings,
    "output": OutputSettings,
}

# ------------------------------------------------------------------------------------------- the reading


def parse_settings(table: Mapping[str, Any], *, text: str) -> Settings | list[Problem]:
    """Return the settings of a parsed file, or everything that is wrong with it.

    Args:
        table: What `tomllib` made of the file.
        text: The file's text, for line numbers.

    """
    read = _read(table, {})
    return read if isinstance(read, Settings) else _read(table, _lines(text))


def _read(table: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> Settings | list[Problem]:
    problems: list[Problem] = []
    parts: dict[str, Any] = {}
    for name, content in table.items():
        if name not in TABLES:
            problems.append(_unknown_table(name, line=lines.get((name,))))
        elif not isinstance(content, dict):
            says = f"must be a table, it is {_kind(content)}"
            problems.append(Problem(line=lines.get((name,)), where=f"[{name}]", says=says))
        else:
            values, wrong = _read_table(name, content, lines)
            problems += wrong
            parts[name] = TABLES[name](**values)
    if not problems:
        settings = Settings(**parts)
        if settings.recovery.backoff_cap >= settings.recovery.backoff_initial:
            return settings
        line = lines.get(("recovery", "backoff_cap"), lines.get(("recovery", "backoff_initial")))
        says = "must not be below backoff_initial"
        problems.append(Problem(line=line, where="[recovery] backoff_cap", says=says))
    return sorted(problems, key=lambda problem: problem.line or 0)


def project_name(settings: Settings, folder_name: str) -> str:
    """Return the project's name: as set, else the folder's, made to fit `NAME_RULE`."""
    if settings.project.name:
        return settings.project.name
    fitting = re.sub(r"[^A-Za-z0-9_-]", "-", folder_name).lstrip("-_")[:64]
    return fitting or "project"


def _read_table(
    name: str, content: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]
) -> tuple[dict[str, Any], list[Problem]]:
    checks = {key.name: key.metadata["check"] for key in fields(TABLES[name])}
    values: dict[str, Any] = {}
    problems = []
    for key, value in content.items():
        kept = checks[key](value) if key in checks else _unknown_key(key, list(checks))
        if isinstance(kept, Refused):
            line = lines.get((name, key))
            problems.append(Problem(line=line, where=f"[{name}] {key}", says=kept.says))
        else:
            values[key] = kept
    return values, problems


def _unknown_key(key: str, known: list[str]) -> Refused:
    return Refused("is no setting" + _nearest(key, known))


def _unknown_table(name: str, *, line: int | None) -> Problem:
    homes = [table for table, shape in TABLES.items() if name in {key.name for key in fields(shape)}]
    if homes:
        return Problem(line=line, where=name, says=f"belongs into the table [{homes[0]}]")
    return Problem(line=line, where=f"[{name}]", says="is no table" + _nearest(name, list(TABLES)))


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


_HEADER = r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?"
_KEY = r"\s*([A-Za-z0-9_.\"' -]+?)\s*="


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the first line of every table and key. tomllib tells none, so they are looked for."""
    found: dict[tuple[str, ...], int] = {}
    for number, path in _paths(text):
        for depth in range(1, len(path) + 1):
            found.setdefault(path[:depth], number)
    return found


def _paths(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    in_long_string = False
    for number, line in enumerate(text.split("\n"), start=1):
        was_in_long_string = in_long_string
        if (line.count('"""') + line.count("'''")) % 2:
            in_long_string = not in_long_string
        if was_in_long_string:
            continue
        if header := re.fullmatch(_HEADER, line):
            table = _parts(header[1])
            yield number, table
        elif key := re.match(_KEY, line):
            yield number, table + _parts(key[1])


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
