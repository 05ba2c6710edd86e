"""The tables that users name, [timers.NAME], [adapters.NAME], [overseer.tasks.NAME], and what stands there.

A timer or adapter becomes units of systemd's, named ccmux-NAME, so nothing may stand here that a unit file
cannot hold. That a calendar can be read, and that a program exists, is looked at by who deploys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from typing import Any

from ccmux.core.channel import CHANNEL_RULE
from ccmux.core.settings.checks import (
    NAME_RULE,
    Check,
    Refused,
    kind,
    matching,
    number,
    one_line,
    variables,
    whole,
)

_LONGEST_MESSAGE = 16_000
"""Characters. It is one line of a settings file and of a unit; systemd ends those at 1 MiB."""


def _plain(value: object) -> object:
    """Take a line without control characters: systemd would cut it, or drop the variable that holds one."""
    text = one_line(value)
    if isinstance(text, str) and cannot_be_in_a_unit(text):
        return Refused("must be one line without control characters")
    return text


def cannot_be_in_a_unit(text: str) -> bool:
    """Tell whether systemd would cut or drop this text: it has control characters, or what is no character.

    Noncharacters are no UTF-8 to systemd, as half surrogate pairs are not (measured on 252).
    """
    return re.search("[\x00-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef]", text) is not None or any(
        ord(character) & 0xFFFE == 0xFFFE for character in text
    )


def _description(value: object) -> object:
    text = _plain(value)
    if isinstance(text, str) and text.endswith("\\"):
        return Refused("must not end with a backslash")
    return text


def _message(value: object) -> object:
    text = _plain(value)
    if not isinstance(text, str) or not text:
        return text
    if text.strip() in {"", "-"}:
        return Refused("must say something")
    if len(text) > _LONGEST_MESSAGE:
        return Refused(
            f"must have at most {_LONGEST_MESSAGE:_} characters: let exec name a script that sends it"
        )
    return text


def _schedule(value: object) -> object:
    """Take one calendar expression or a list of them; "" and [] are none."""
    if value == "":
        return ()
    expressions = [value] if isinstance(value, str) else value
    if not isinstance(expressions, list) or not all(isinstance(one, str) for one in expressions):
        return Refused(f'must be a calendar like "Mon *-*-* 07:00", or a list of them, it is {kind(value)}')
    if any(cannot_be_in_a_unit(one) or not one.strip() for one in expressions):
        return Refused('must hold calendars like "Mon *-*-* 07:00", each one line')
    return tuple(expressions)


_UNITS_S = {
    **dict.fromkeys(("us", "usec"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
    **dict.fromkeys(("M", "month", "months"), 2_629_800),
    **dict.fromkeys(("y", "year", "years"), 31_557_600),
}
"""systemd.time(7), without the Greek letter."""

_LONGEST_SPAN_S = 31_557_600


def _time_span(value: object) -> object:
    """Take a time span as systemd.time(7) has it; "" is none."""
    text = _plain(value)
    if not isinstance(text, str) or not text:
        return text
    says = 'must be a time span like "30s" or "1h 15min", at most a year (systemd.time(7))'
    rest, total_s = text.strip(" "), 0.0
    if not rest:
        return Refused(says)
    while rest:
        part = re.match(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) *([A-Za-z]*) *", rest)
        if part is None or part[2] not in _UNITS_S:
            return Refused(says)
        total_s += float(part[1]) * _UNITS_S[part[2]]
        rest = rest[part.end() :]
    return text if total_s <= _LONGEST_SPAN_S else Refused(says)


def _exec(value: object) -> object:
    """Take a list of words, or a string that is split as a shell would; "" and [] are none."""
    if value in ("", []):
        return ()
    if isinstance(value, str):
        import shlex  # noqa: PLC0415 - only where a command is written so

        try:
            value = shlex.split(value)
        except ValueError as error:
            return Refused(f"cannot be split into words as a shell would: {str(error).lower()}")
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return Refused('must be a list of words, or a string: ["scripts/backup", "--all"]')
    if any(cannot_be_in_a_unit(word) for word in value):
        return Refused("must not hold control characters")
    if not value or not value[0]:
        return Refused('must name a program: ["scripts/backup", "--all"]')
    return tuple(value)


def _variables(value: object) -> object:
    taken = variables(value)
    if isinstance(taken, dict):
        for name, text in taken.items():
            if cannot_be_in_a_unit(text):
                return Refused(f"holds {name}, which must be one line without control characters")
    return taken


_DESCRIPTION: dict[str, Check] = {"check": _description}
_EXEC: dict[str, Check] = {"check": _exec}
_VARIABLES: dict[str, Check] = {"check": _variables}
_SYSLOG: dict[str, Check] = {
    "check": matching(
        r"(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?", "must be letters, digits, _, . and -, at most 64"
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSettings:
    """What ccmux-deploy lets systemd start at set times: ccmux-NAME.timer and ccmux-NAME.service.

    Attributes:
        description: What it is for, in a line; "" is its name.
        schedule: When, as systemd.time(7) has calendars: "Mon..Fri 07:30", or a list of them; a run
            that was missed while the machine was off is made up for.
        startup_delay: A time span after the start of ccmux.target, like "30s"; beside schedule or in
            its place.
        exec: What is started, in the project's folder: a list of words, or a string that is split as a
            shell would, but knows no variables and patterns.
        message: In place of exec: a line that is sent to Claude, unless the one before still waits.
        channel: The message's channel; "" is timer.
        syslog: Its name in the journal; "" is ccmux-NAME.
        env: More environment variables: { NAME = "value" }.

    """

    description: str = field(default="", metadata=_DESCRIPTION)
    schedule: tuple[str, ...] = field(default=(), metadata={"check": _schedule})
    startup_delay: str = field(default="", metadata={"check": _time_span})
    exec: tuple[str, ...] = field(default=(), metadata=_EXEC)
    message: str = field(default="", metadata={"check": _message})
    channel: str = field(
        default="",
        metadata={"check": matching(f"(?:{CHANNEL_RULE})?", f"must be a channel: {CHANNEL_RULE}")},
    )
    syslog: str = field(default="", metadata=_SYSLOG)
    env: Mapping[str, str] = field(default_factory=dict, metadata=_VARIABLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """A program beside the daemon that ccmux-deploy lets systemd keep running: ccmux-NAME.service.

    Attributes:
        description: What it is for, in a line; "" is its name.
        exec: The program, as a list of words or as a string; [] is the program ccmux-NAME.
        env: More environment variables: { NAME = "value" }.
        syslog: Its name in the journal; "" is ccmux-NAME.
        restart_delay: Seconds before it is started anew, however it ended, 10 if not set; ten starts in five
            minutes, or in ten times 20 seconds and the delay where that is longer, end that.

    """

    description: str = field(default="", metadata=_DESCRIPTION)
    exec: tuple[str, ...] = field(default=(), metadata=_EXEC)
    env: Mapping[str, str] = field(default_factory=dict, metadata=_VARIABLES)
    syslog: str = field(default="", metadata=_SYSLOG)
    restart_delay: float = field(
        default=10,
        metadata={"check": number("a number of seconds from 0 to 86_400", most=86_400)},
    )


_SHORT_SPAN: dict[str, Check] = {
    "check": number("a number of seconds from 0 to 86_400", most=86_400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """A program that the daemon itself keeps running: an adapter where there is no systemd.

    Attributes:
        command: The program, as a list of words or as a string that is split as a shell would; started in
            the project's folder, without a shell.
        env: More environment variables: { NAME = "value" }.
        restart_delay: Seconds before it is started anew, however it ended; 1 if not set.
        max_restart_delay: The delay doubles each time it ends too soon, up to this; 60 if not set.
        min_uptime: Seconds after which it has started well, and the delay is short again; 60 if not set.
        error_threshold: With this many ends within error_window it is given up until it is reset or ccmux is
            started anew; 0 if not set, which is never.
        error_window: Seconds; 600 if not set.

    """

    command: tuple[str, ...] = field(default=(), metadata=_EXEC)
    env: Mapping[str, str] = field(default_factory=dict, metadata=_VARIABLES)
    restart_delay: float = field(default=1, metadata=_SHORT_SPAN)
    max_restart_delay: float = field(default=60, metadata=_SHORT_SPAN)
    min_uptime: float = field(default=60, metadata=_SHORT_SPAN)
    error_threshold: int = field(default=0, metadata={"check": whole(0, 10_000)})
    error_window: float = field(default=600, metadata=_SHORT_SPAN)


NAMED_TABLES: Mapping[str, type] = {
    "timers": TimerSettings,
    "adapters": AdapterSettings,
    "overseer.tasks": TaskSettings,
}
"""By the name of the table that holds them; `attribute` tells where `Settings` has them."""


def attribute(table: str) -> str:
    """Return the name by which `Settings` has the tables of one kind."""
    return table.replace(".", "_")


_RESERVED = frozenset(
    {"reconcile", "relay", "overseer", "deploy", "tmux", "keeper"}
    | {"target", "service", "timer", "scope", "slice", "socket"}
)


def unfit_name(table: str, name: str) -> str:
    """Return what is wrong with the name of a table of this kind, "" where nothing is."""
    has_units = table != "overseer.tasks"
    if re.fullmatch(NAME_RULE, name) is None:
        why = ": its units are ccmux-NAME" if has_units else ""
        return f"must be named with letters, digits, _ and -, at most 64{why}"
    if has_units and name in _RESERVED:
        return f"must be named otherwise: ccmux-{name} is a name of ccmux's own"
    return ""


def contradictions(table: str, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong between the keys of one table, as (key, sentence); key "" is the table itself."""
    said = {key for key, value in content.items() if value not in ("", [])}
    # A key that is misspelt may be the one that is missed.
    is_spelt = said <= {key.name for key in fields(NAMED_TABLES[table])}
    if table == "timers":
        yield from _of_timer(said, is_spelt=is_spelt)
    elif table == "overseer.tasks" and is_spelt and "command" not in said:
        yield "", 'needs command (a program to keep running): "/usr/local/bin/doorbell --follow"'


def _of_timer(said: AbstractSet[str], *, is_spelt: bool) -> Iterator[tuple[str, str]]:
    if {"exec", "message"} <= said:
        yield "message", "cannot stand beside exec: one timer does one thing"
    if "channel" in said and "message" not in said:
        yield "channel", "goes with message only"
    if is_spelt and not said & {"exec", "message"}:
        yield "", "needs exec (a program to start) or message (a line for Claude)"
    if is_spelt and not said & {"schedule", "startup_delay"}:
        yield "", 'needs schedule ("daily", "Mon 07:00") or startup_delay ("30s")'
