"""What systemd's tools print is read as it was printed by systemd 252."""

from __future__ import annotations

import json

import pytest

from ccmux.core.unit_reading import (
    START_FAILED,
    UNIT_FAILED,
    read_failures,
    read_next,
    read_reason,
    read_time,
    read_timers,
    read_units,
    read_version,
    with_timers,
)
from ccmux.core.unit_state import UnitState

SHOWN = """\
MainPID=0
Result=exit-code
NRestarts=5
ExecMainStatus=3
Id=ccmux-a.service
PartOf=ccmux.target other.target
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=static
ActiveEnterTimestamp=Fri 2026-11-20 16:49:34 UTC
ActiveExitTimestamp=Fri 2026-11-20 16:49:35 UTC
InactiveEnterTimestamp=Fri 2026-11-20 16:49:35 UTC
NeedDaemonReload=yes

Id=ccmux.target
PartOf=
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
ActiveEnterTimestamp=
ActiveExitTimestamp=
InactiveEnterTimestamp=
NeedDaemonReload=no
"""


def test_units_are_read_with_all_they_say() -> None:
    assert read_units(SHOWN) == [
        UnitState(
            name="ccmux-a.service",
            load="loaded",
            active="failed",
            sub="failed",
            file_state="static",
            part_of=("ccmux.target", "other.target"),
            result="exit-code",
            exit_status=3,
            restarts=5,
            since_s=1795193375.0,
            needs_reload=True,
        ),
        UnitState(name="ccmux.target", load="not-found", active="inactive", sub="dead"),
    ]
    assert read_units("\n") == []


def test_a_block_that_says_nothing_we_know_is_a_unit_of_which_nothing_is_known() -> None:
    assert read_units("Strange=1") == [UnitState(name="", load="", active="")]


def test_timers_are_read_and_put_to_their_units() -> None:
    listed = [
        {"next": 1795197045226906, "last": 0, "unit": "ccmux-y.timer"},
        {"next": None, "last": 1795193446319188, "unit": "ccmux-x.timer"},
        {"next": 1},
        "strange",
    ]
    timers = read_timers(json.dumps(listed))
    assert timers == {
        "ccmux-y.timer": (1795197045.226906, None),
        "ccmux-x.timer": (None, 1795193446.319188),
    }
    units = [UnitState(name=name, load="", active="") for name in ("ccmux-y.timer", "ccmux.service")]
    known, unknown = with_timers(units, timers)
    assert (known.next_s, known.last_s) == (1795197045.226906, None)
    assert (unknown.next_s, unknown.last_s) == (None, None)


@pytest.mark.parametrize("text", ["", "no JSON", "{}", "3"])
def test_what_is_no_list_of_timers_has_none(text: str) -> None:
    assert read_timers(text) == {}


def _line(**fields: object) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1795193375581840", "USER_UNIT": "ccmux-a.service"} | fields)


def test_one_failure_is_told_once_and_a_start_that_never_came_to_run_as_well() -> None:
    lines = [
        _line(MESSAGE_ID=UNIT_FAILED, UNIT_RESULT="exit-code"),
        _line(MESSAGE_ID=START_FAILED, JOB_RESULT="failed"),
        _line(MESSAGE_ID=START_FAILED, JOB_RESULT="dependency", USER_UNIT="ccmux-b.service"),
        _line(MESSAGE_ID=UNIT_FAILED, UNIT_RESULT="exit-code", USER_UNIT=None, UNIT="cron.service"),
        _line(MESSAGE_ID=UNIT_FAILED, UNIT_RESULT=[98, 97]),
        _line(MESSAGE_ID=UNIT_FAILED, UNIT_RESULT="signal", __REALTIME_TIMESTAMP=3),
        "cut off {",
    ]
    assert read_failures("\n".join(lines)) == [
        (1795193375.58184, "ccmux-a.service", "exit-code"),
        (1795193375.58184, "ccmux-b.service", "dependency"),
    ]


@pytest.mark.parametrize(
    ("text", "at_s"), [("Fri 2026-11-20 17:00:00 UTC", 1795194000.0), ("", None), ("n/a", None)]
)
def test_a_time_is_read(text: str, at_s: float | None) -> None:
    assert read_time(text) == at_s


@pytest.mark.parametrize(
    ("text", "version"), [("252.38-1~deb12u1\n", 252), ("v256~rc3", 256), ("249-11ubuntu3", 249), ("", None)]
)
def test_a_version_is_its_first_number(text: str, version: int | None) -> None:
    assert read_version(text) == version


@pytest.mark.parametrize(
    ("lines", "at_s"),
    [
        (["    Next elapse: Fri 2026-11-20 17:00:00 UTC", "       From now: 2min left"], 1795194000.0),
        (
            [
                "  Original form: Sat 01:00",
                "    Next elapse: Sat 2026-11-21 01:00:00 HKT",
                "       (in UTC): Fri 2026-11-20 17:00:00 UTC",
            ],
            1795194000.0,
        ),
        (["Normalized form: Mon *-*-* 07:00:00 UTC", "    Next elapse: never"], None),
        (["    Next elapse: never"], None),
    ],
)
def test_the_next_time_of_a_calendar_is_read(lines: list[str], at_s: float | None) -> None:
    assert read_next("\n".join(lines)) == at_s


def told(*lines: tuple[int, str]) -> str:
    """Return what `journalctl -o json` prints of (process, line)."""
    return "\n".join(json.dumps({"_PID": str(pid), "MESSAGE": line}) for pid, line in lines)


def test_why_a_program_of_ours_ended_is_its_own_last_sentence() -> None:
    printed = told((7, "ccmux: it begins"), (7, '{"event": "x"}'), (7, "ccmux: port 1 is taken"), (7, "{}"))
    assert read_reason(printed, running=0) == "port 1 is taken"
    assert read_reason(told((7, "ccmux-deploy: nothing was changed")), running=0) == "nothing was changed"
    assert read_reason(told((7, "Traceback: hush")), running=0) == ""


def test_several_problems_are_one_reason() -> None:
    lines = ("ccmux: /a has 2 problems:", "  line 1: no", "  line 2: neither", "    at all", "Stopped.")
    printed = told(*((7, line) for line in lines))
    assert read_reason(printed, running=0) == "/a has 2 problems: line 1: no; line 2: neither"


OVER = (7, "ccmux: port 1 is taken")


@pytest.mark.parametrize(
    ("lines", "running", "reason"),
    [
        ([OVER, (8, "ccmux: no room"), (9, "ccmux: hush")], 9, "no room"),
        ([OVER, (8, '{"event": "daemon ready"}')], 0, ""),
        ([OVER, (8, '{"event": "daemon ready"}'), (9, "{}")], 9, ""),
        ([OVER], 9, "port 1 is taken"),
        ([OVER], 7, ""),
        ([], 0, ""),
    ],
    ids=["of two", "one that was killed", "before the one that runs", "the only", "none ended", "silence"],
)
def test_it_is_the_reason_of_the_run_that_ended_last(
    lines: list[tuple[int, str]], running: int, reason: str
) -> None:
    assert read_reason(told(*lines), running=running) == reason


def test_what_is_no_text_is_no_reason() -> None:
    assert read_reason('{"_PID": "7", "MESSAGE": [255]}\n{"_PID": "7"}\nhush', running=0) == ""
