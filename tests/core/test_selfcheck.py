"""What Claude is told after a start: tables and stories."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.envelope import parse_line
from ccmux.core.findings import Finding, Verdict
from ccmux.core.messages import Incoming
from ccmux.core.selfcheck import (
    CHANNEL,
    Gap,
    Missed,
    gaps_between,
    happenings,
    last_check,
    line_of,
    missed_in,
    remembered,
    report_of,
    waiting,
)
from ccmux.core.when import Wall

NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
MIN_S, HOUR_S = 60.0, 3_600.0


# --------------------------------------------------------------------------------------------------- gaps


def run(started_s: float, alive_before: float | None, ended: str | None) -> dict[str, Any]:
    return {"started_at": started_s, "alive_before": alive_before, "ended": ended}


RUNS = [
    run(100, None, "killed"),
    run(500, 300, "stopped"),
    run(700, 650, None),
]


def test_gaps_lie_between_runs_and_end_as_the_run_before_did() -> None:
    assert gaps_between(RUNS, since_s=None) == [
        Gap(from_s=300, to_s=500, in_order=False),
        Gap(from_s=650, to_s=700, in_order=True),
    ]


def test_a_gap_that_was_told_of_is_not_told_again() -> None:
    assert gaps_between(RUNS, since_s=500) == [Gap(from_s=650, to_s=700, in_order=True)]


def test_runs_that_say_nothing_of_use_have_no_gaps() -> None:
    assert gaps_between([{}, {"started_at": "x", "alive_before": 3}], since_s=None) == []


def told(
    gaps: list[Gap] | None = None,
    *,
    booted_s: float = 0,
    missed: list[Missed] | None = None,
    events: list[dict[str, Any]] | None = None,
) -> list[Finding]:
    return list(
        happenings(
            gaps=gaps or [], booted_s=booted_s, missed=missed or [], claude_events=events or [], wall=WALL
        )
    )


GAPS: dict[str, tuple[Gap, float, str, str]] = {
    "the machine was off": (
        Gap(from_s=NOW_S - 5 * HOUR_S, to_s=NOW_S - MIN_S, in_order=False),
        NOW_S - 2 * MIN_S,
        "downtime",
        "nothing ran from 07:00 to 11:59 (4 h 59 min): the machine was started at 11:58",
    ),
    "it was stopped for long": (
        Gap(from_s=NOW_S - 5 * HOUR_S, to_s=NOW_S, in_order=True),
        NOW_S - 9 * HOUR_S,
        "downtime",
        "nothing ran from 07:00 to 12:00 (5 h 0 min): the daemon was stopped",
    ),
    "it was killed and came back": (
        Gap(from_s=NOW_S - 30, to_s=NOW_S, in_order=False),
        0,
        "daemon",
        "the daemon was killed or crashed; it runs again since 12:00, at most 30 s later",
    ),
    "it was restarted": (
        Gap(from_s=NOW_S - 1, to_s=NOW_S, in_order=True),
        0,
        "daemon",
        "the daemon was stopped; it runs again since 12:00, 1 s later",
    ),
    "the clock was set back meanwhile": (
        Gap(from_s=NOW_S + 10, to_s=NOW_S, in_order=True),
        0,
        "daemon",
        "the daemon was stopped; it runs again since 12:00, 0 s later",
    ),
}


@pytest.mark.parametrize("case", GAPS)
def test_a_gap_says_how_long_and_why(case: str) -> None:
    gap, booted_s, area, says = GAPS[case]
    (found,) = told([gap], booted_s=booted_s)
    assert (found.area, found.verdict, found.says) == (area, Verdict.WARN, says)
    assert bool(found.mend) is not gap.in_order


def test_many_gaps_are_told_by_the_longest_and_a_count() -> None:
    gaps = [
        Gap(from_s=NOW_S - at * HOUR_S - length, to_s=NOW_S - at * HOUR_S, in_order=True)
        for at, length in ((5, 1), (4, 40), (3, 2), (2, 30), (1, 20))
    ]
    found = [one.says for one in told(gaps)]
    assert found == [
        "the daemon was stopped; it runs again since 08:00, 40 s later",
        "the daemon was stopped; it runs again since 10:00, 30 s later",
        "the daemon was stopped; it runs again since 11:00, 20 s later",
        "was started anew 2 more times, last at 09:00 (3 h 0 min ago)",
    ]


GAP = Gap(from_s=NOW_S - 6 * HOUR_S, to_s=NOW_S - HOUR_S, in_order=True)
DUE_S = NOW_S - 5 * HOUR_S


@pytest.mark.parametrize(
    ("due_s", "last_run_s", "missed"),
    [
        (None, None, None),
        (NOW_S, None, None),
        (DUE_S, None, Missed(stem="t", due_s=DUE_S, ran_s=None)),
        (DUE_S, DUE_S - 9 * HOUR_S, Missed(stem="t", due_s=DUE_S, ran_s=None)),
        (DUE_S, NOW_S - HOUR_S, Missed(stem="t", due_s=DUE_S, ran_s=NOW_S - HOUR_S)),
    ],
)
def test_a_timer_is_missed_where_its_time_came_in_a_gap(
    due_s: float | None, last_run_s: float | None, missed: Missed | None
) -> None:
    asked: list[float] = []

    def comes_after(after_s: float) -> float | None:
        asked.append(after_s)
        return due_s

    assert missed_in(GAP, stem="t", last_run_s=last_run_s, comes_after=comes_after) == missed
    assert asked == [GAP.from_s]


def test_a_timer_that_was_missed_is_bad_and_can_be_run_now() -> None:
    (found,) = told(missed=[Missed(stem="ccmux-news", due_s=DUE_S, ran_s=None)])
    assert found == Finding(
        area="timer",
        name="ccmux-news",
        verdict=Verdict.BAD,
        says="its time came at 07:00 (5 h 0 min ago), while nothing ran, and it did not run since",
        mend="systemctl --user start ccmux-news.service",
    )


def test_a_timer_that_was_made_up_for_ran_late() -> None:
    (found,) = told(missed=[Missed(stem="ccmux-news", due_s=DUE_S, ran_s=NOW_S - HOUR_S)])
    assert (found.verdict, found.says) == (
        Verdict.WARN,
        "its time came at 07:00 (5 h 0 min ago), while nothing ran; it was made up for, last run 11:00",
    )


def claude(event: str, ago_s: float, **fields: object) -> dict[str, Any]:
    return {"event": event, "ts": NOW_S - ago_s, "seq": 7, **fields}


CLAUDES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "nothing but starts": ([claude("started", 9), claude("resumed", 8)], []),
    "a crash": (
        [claude("crashed", 90, exit=-9), claude("resumed", 80)],
        ["crashed once, at 11:58 (1 min ago) (exit -9), and was started again"],
    ),
    "an end that nobody saw": (
        [claude("crashed", 90, exit=None)],
        ["crashed once, at 11:58 (1 min ago), and was started again"],
    ),
    "a crash and two ends": (
        [claude("crashed", 90, exit=1), claude("exited", 80, exit=0), claude("exited", 60, exit=0)],
        ["crashed once and exited 2 times, last at 11:59 (1 min ago) (exit 0), and was started again"],
    ),
    "a lost conversation": (
        [claude("started", 60, lost="abc")],
        ["the conversation abc was lost at 11:59 (1 min ago): no transcript"],
    ),
}


@pytest.mark.parametrize("case", CLAUDES)
def test_claudes_own_restarts_are_told(case: str) -> None:
    events, says = CLAUDES[case]
    assert [one.says for one in told(events=events)] == says


# ------------------------------------------------------------------------------------------ what waits


def queue(
    status: dict[str, Any], *, oldest_s: float | None = None, letters: list[float] | None = None
) -> list[tuple[str, str, str]]:
    found = waiting(status, oldest_s=oldest_s, letters=letters or [], since_s=NOW_S - HOUR_S, wall=WALL)
    return [(one.name, one.says, one.mend) for one in found]


QUEUES: dict[str, tuple[dict[str, Any], float | None, list[tuple[str, str, str]]]] = {
    "empty": ({"queue": {"queued": 0}, "hold": "paused"}, None, []),
    "nothing said": ({}, None, []),
    "just come": ({"queue": {"queued": 2}, "hold": "Claude is generating"}, NOW_S - 9, []),
    "behind a person": (
        {"queue": {"queued": 2}, "hold": "paused"},
        NOW_S - 90,
        [("waiting", "2 held for up to 1 min: paused", "`ccmux resume`; ccmux why")],
    ),
    "behind a dialog": (
        {"queue": {"queued": 1}, "hold": "dialog", "detail": "model"},
        None,
        [("waiting", "1 held for up to 0 s: dialog: model", "close it: `ccmux attach`; ccmux why")],
    ),
    "since the machine was off": (
        {"queue": {"queued": 3}, "hold": "starting"},
        NOW_S - 5 * HOUR_S,
        [("waiting", "3 held for up to 5 h 0 min: nothing holds them now", "ccmux why")],
    ),
}


@pytest.mark.parametrize("case", QUEUES)
def test_what_is_held_is_told_with_its_reason(case: str) -> None:
    status, oldest_s, says = QUEUES[case]
    assert queue(status, oldest_s=oldest_s) == says


@pytest.mark.parametrize(
    ("letters", "says"),
    [
        ([NOW_S - 9, NOW_S - 2 * HOUR_S], "2 could not be taken or delivered, 1 of them new"),
        ([NOW_S - 2 * HOUR_S], "2 could not be taken or delivered, none of them new"),
    ],
)
def test_dead_letters_are_told_until_somebody_lets_them_go(letters: list[float], says: str) -> None:
    (found,) = queue({"queue": {"dead": 2}}, letters=letters)
    assert found[:2] == ("dead", says)


@pytest.mark.parametrize(
    ("area", "name", "verdict", "worth"),
    [
        ("service", "ccmux-mail", Verdict.OK, False),
        ("service", "ccmux-mail", Verdict.WARN, True),
        ("service", "ccmux", Verdict.BAD, True),
        ("service", "ccmux", Verdict.WARN, False),
        ("systemd", "linger", Verdict.WARN, False),
        ("systemd", "linger", Verdict.BAD, True),
        ("claude", "", Verdict.BAD, False),
        ("claude", "restarts", Verdict.WARN, True),
        ("tmux", "ccmux-x", Verdict.BAD, False),
        ("disk", "data", Verdict.BAD, True),
    ],
)
def test_claude_reads_of_what_is_not_over_by_then(
    area: str, name: str, verdict: Verdict, *, worth: bool
) -> None:
    found = Finding(area=area, name=name, verdict=verdict, says="x")
    assert report_of([found], at_s=NOW_S, last=None, seq=0).findings == ((found,) if worth else ())


# --------------------------------------------------------------------------------------------- the report

NOTE = Finding(area="daemon", verdict=Verdict.WARN, says="was\nrestarted")
FAILED = Finding(
    area="service", name="ccmux-mail", verdict=Verdict.BAD, says="failed", mend="systemctl --user start x"
)


def content(line: bytes) -> str:
    read = parse_line(line.removesuffix(b"\n"), fifo_channel=CHANNEL, now_s=NOW_S)
    assert isinstance(read, Incoming)
    assert (read.channel, read.meta) == (CHANNEL, {})
    return read.content


def test_where_all_is_well_one_line_says_so_and_since_when() -> None:
    last = last_check(remembered(report_of([], at_s=NOW_S - HOUR_S, last=None, seq=3)).decode())
    assert last is not None
    report = report_of([], at_s=NOW_S, last=last, seq=4)
    assert content(line_of(report, last=last, wall=WALL)) == (
        "Self-check: all is well since 11:00 (1 h 0 min ago)."
    )


def test_the_first_self_check_knows_of_none_before() -> None:
    report = report_of([], at_s=NOW_S, last=None, seq=0)
    assert content(line_of(report, last=None, wall=WALL)) == "Self-check: all is well."


def test_the_worst_is_told_first_and_each_with_its_way_out() -> None:
    report = report_of([NOTE, FAILED], at_s=NOW_S, last=None, seq=4)
    assert content(line_of(report, last=None, wall=WALL)).split("\n") == [
        "Self-check: 1 bad, 1 to know of.",
        "BAD: service ccmux-mail: failed",
        "  mend: systemctl --user start x",
        "note: daemon: was restarted",
    ]


def test_what_is_still_bad_is_told_again() -> None:
    before = report_of([FAILED, NOTE], at_s=NOW_S - HOUR_S, last=None, seq=3)
    last = last_check(remembered(before).decode())
    report = report_of([FAILED, NOTE], at_s=NOW_S, last=last, seq=4)
    assert content(line_of(report, last=last, wall=WALL)).split("\n") == [
        "Self-check: 1 bad, 1 to know of since 11:00 (1 h 0 min ago).",
        "BAD: still service ccmux-mail: failed",
        "  mend: systemctl --user start x",
        "note: daemon: was restarted",
    ]


def test_a_long_report_is_cut_and_says_how_to_see_the_rest() -> None:
    many = [Finding(area="timer", name=f"t{n}", verdict=Verdict.BAD, says="x" * 999) for n in range(40)]
    line = line_of(report_of(many, at_s=NOW_S, last=None, seq=0), last=None, wall=WALL)
    told = content(line).split("\n")
    assert len(line) <= 4_096
    assert told[0] == "Self-check: 40 bad."
    assert told[1] == f"BAD: timer t0: {'x' * 399}…"
    assert told[-1] == f"{40 - (len(told) - 2)} more: ccmux doctor"


@given(
    findings=st.lists(
        st.builds(
            Finding,
            area=st.text(max_size=20),
            name=st.text(max_size=50),
            verdict=st.sampled_from([Verdict.WARN, Verdict.BAD]),
            says=st.text(),
            mend=st.text(),
        ),
        max_size=12,
    ),
    times=st.integers(1, 6),
)
def test_whatever_is_found_is_one_line_that_a_pipe_takes_whole(findings: list[Finding], times: int) -> None:
    report = report_of(findings * times, at_s=NOW_S, last=None, seq=0)
    line = line_of(report, last=None, wall=WALL)
    assert len(line) <= 4_096
    assert line.count(b"\n") == 1
    assert content(line).startswith("Self-check: ")


def test_what_is_kept_can_be_read_by_programs_too() -> None:
    report = report_of([NOTE, FAILED], at_s=NOW_S, last=None, seq=4, timers=["ccmux-news"])
    kept = json.loads(remembered(report))
    assert kept == {
        "version": 1,
        "at": NOW_S,
        "since": None,
        "seq": 4,
        "ok": False,
        "timers": ["ccmux-news"],
        "findings": [
            {
                "area": "service",
                "name": "ccmux-mail",
                "verdict": "bad",
                "says": "failed",
                "mend": "systemctl --user start x",
            },
            {"area": "daemon", "name": "", "verdict": "warn", "says": "was\nrestarted", "mend": ""},
        ],
    }


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"findings": [1]}', '{"findings": [], "at": "x", "seq": 1}']
)
def test_what_cannot_be_read_is_taken_for_nothing(text: str) -> None:
    assert last_check(text) is None


def test_a_report_sent_again_has_the_same_key() -> None:
    assert report_of([], at_s=NOW_S, last=None, seq=0).key == "selfcheck-1795176000.000"


def test_a_path_that_is_no_text_is_told_all_the_same() -> None:
    report = report_of(
        [Finding(area="files", verdict=Verdict.BAD, says="x\udcff")], at_s=NOW_S, last=None, seq=0
    )
    assert content(line_of(report, last=None, wall=WALL)).endswith("BAD: files: x\ufffd")
    assert last_check(remembered(report).decode()) is not None
