"""What is wrong with a unit, and what mends it: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ccmux.core.findings import Finding, Verdict
from ccmux.core.unit_health import Failure, Past, Promise, promise_of, unit_findings
from ccmux.core.unit_state import UnitState
from ccmux.core.when import Wall

NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
TARGET = ("ccmux.target",)

SERVICE = promise_of(
    "ccmux-mail.service",
    "[Unit]\nPartOf=ccmux.target\n[Service]\nType=simple\nExecStart=/x\n[Install]\nWantedBy=ccmux.target\n",
)
TASK = promise_of(
    "ccmux-news.service",
    "[Unit]\nPartOf=ccmux.target\n[Service]\nType=oneshot\nExecStart=/x\n",
)
TIMER = promise_of(
    "ccmux-news.timer",
    "[Unit]\nPartOf=ccmux.target\n[Timer]\nOnCalendar=*-*-* 07:00:00\n[Install]\nWantedBy=ccmux.target\n",
)
ONCE = promise_of(
    "ccmux-once.timer",
    "[Unit]\nPartOf=ccmux.target\n[Timer]\nOnActiveSec=30s\n[Install]\nWantedBy=ccmux.target\n",
)
WHOLE = promise_of("ccmux.target", "[Unit]\nDescription=x\n[Install]\nWantedBy=default.target\n")


def state(promise: Promise, **changed: object) -> UnitState:
    """Return the state of a healthy unit of this kind, but for what is changed."""
    healthy = UnitState(
        name=promise.name,
        load="loaded",
        active="inactive" if promise.oneshot else "active",
        sub="dead" if promise.oneshot else "running",
        file_state="enabled" if promise.installed else "static",
        part_of=promise.part_of,
        since_s=NOW_S - 7_200,
    )
    return replace(healthy, **changed)  # type: ignore[arg-type]


def test_a_promise_is_read_from_the_text() -> None:
    assert Promise(
        name="ccmux-mail.service", oneshot=False, installed=True, part_of=TARGET, calendar=False
    ) == (SERVICE)
    assert (TASK.oneshot, TASK.installed) == (True, False)
    assert (TIMER.calendar, ONCE.calendar) == (True, False)
    assert (TIMER.area, TIMER.stem) == ("timer", "ccmux-news")
    assert WHOLE.part_of == ()


WELL: dict[str, tuple[Promise, dict[str, object], str]] = {
    "a service": (SERVICE, {"pid": 7}, "active for 2 h 0 min, pid 7"),
    "a target": (WHOLE, {"since_s": None}, "active"),
    "a service that came back long ago": (
        SERVICE,
        {"pid": 7, "restarts": 1},
        "active for 2 h 0 min, pid 7, started anew once",
    ),
    "a task that ran": (TASK, {}, "ended well at 10:00 (2 h 0 min ago)"),
    "a task that never ran": (TASK, {"since_s": None}, "not run yet"),
    "a task at work": (TASK, {"active": "activating", "pid": 9}, "runs now, pid 9"),
    "a task about to": (TASK, {"active": "activating"}, "runs now"),
    "a timer": (
        TIMER,
        {"next_s": NOW_S + 10_800, "last_s": NOW_S - 60},
        "next run 15:00 (in 3 h 0 min); last run 11:59 (1 min ago)",
    ),
    "a timer whose time is now": (TIMER, {"next_s": NOW_S}, "runs now; not run yet"),
    "a timer whose service runs": (
        TIMER,
        {"sub": "running", "last_s": NOW_S},
        "no more run before the next start; last run 12:00 (0 s ago)",
    ),
    "a timer of the start": (
        ONCE,
        {"last_s": NOW_S - 60},
        "no more run before the next start; last run 11:59 (1 min ago)",
    ),
}


@pytest.mark.parametrize("case", WELL)
def test_a_healthy_unit_says_how_it_is(case: str) -> None:
    promise, changed, says = WELL[case]
    assert unit_findings(promise, state(promise, **changed), wall=WALL) == [
        Finding(area=promise.area, name=promise.stem, says=says)
    ]


LOOK = "journalctl --user-unit ccmux-mail.service -n 50 says why"
AGAIN = "systemctl --user reset-failed ccmux-mail.service && systemctl --user start ccmux-mail.service"
BROKEN: dict[str, tuple[Promise, dict[str, object], Verdict, str, str]] = {
    "no file": (
        SERVICE,
        {"load": "not-found", "active": "inactive"},
        Verdict.BAD,
        "is not there",
        "ccmux-deploy",
    ),
    "masked": (
        SERVICE,
        {"load": "masked"},
        Verdict.BAD,
        "is masked: nothing can start it",
        "systemctl --user unmask ccmux-mail.service && ccmux-deploy",
    ),
    "no unit at all": (
        SERVICE,
        {"load": "bad-setting"},
        Verdict.BAD,
        "cannot be read by systemd (bad-setting)",
        "systemd-analyze --user verify ccmux-mail.service says why; then ccmux-deploy",
    ),
    "edited, not read again": (
        SERVICE,
        {"needs_reload": True},
        Verdict.BAD,
        "changed after systemd read it",
        "systemctl --user daemon-reload",
    ),
    "another file in its place": (
        SERVICE,
        {"part_of": ("other.target",)},
        Verdict.BAD,
        "is not part of ccmux.target: a stop of that does not stop it",
        f"systemctl --user daemon-reload; if it stays: systemctl --user cat {SERVICE.name}",
    ),
    "disabled": (
        TIMER,
        {"file_state": "disabled", "next_s": NOW_S + 1},
        Verdict.BAD,
        "does not start at boot (disabled)",
        "systemctl --user enable ccmux-news.timer",
    ),
    "loaded, but its file is gone": (
        SERVICE,
        {"file_state": ""},
        Verdict.BAD,
        "does not start at boot (no file)",
        "systemctl --user enable ccmux-mail.service",
    ),
    "stopped": (
        SERVICE,
        {"active": "inactive"},
        Verdict.BAD,
        "is stopped since 10:00 (2 h 0 min ago)",
        "systemctl --user start ccmux-mail.service",
    ),
    "never started": (
        SERVICE,
        {"active": "inactive", "since_s": None},
        Verdict.BAD,
        "is stopped",
        "systemctl --user start ccmux-mail.service",
    ),
    "stopping": (
        SERVICE,
        {"active": "deactivating", "since_s": None},
        Verdict.BAD,
        "is stopping",
        "systemctl --user start ccmux-mail.service",
    ),
    "failed": (
        SERVICE,
        {"active": "failed", "result": "exit-code", "exit_status": 3},
        Verdict.BAD,
        "failed with exit-code 3 at 10:00 (2 h 0 min ago)",
        f"{LOOK}; then {AGAIN}",
    ),
    "failed too often": (
        SERVICE,
        {"active": "failed", "result": "start-limit-hit", "since_s": None},
        Verdict.BAD,
        "failed with start-limit-hit",
        f"{LOOK}; then {AGAIN}",
    ),
    "failing again and again": (
        SERVICE,
        {"active": "activating", "sub": "auto-restart", "result": "signal", "exit_status": 9, "restarts": 4},
        Verdict.BAD,
        "ended with signal 9 and is started anew, 4 times so far",
        LOOK,
    ),
    "failing for the first time": (
        SERVICE,
        {"active": "activating", "sub": "auto-restart", "result": "watchdog"},
        Verdict.BAD,
        "ended with watchdog and is started anew",
        LOOK,
    ),
    "came back just now": (
        SERVICE,
        {"restarts": 2, "since_s": NOW_S - 30},
        Verdict.WARN,
        "ended and was started anew 2 times, last at 11:59 (30 s ago)",
        LOOK,
    ),
    "a timer without a next run": (
        TIMER,
        {"sub": "elapsed"},
        Verdict.BAD,
        "has no next run",
        "systemctl --user restart ccmux-news.timer",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_told_with_what_mends_it(case: str) -> None:
    promise, changed, verdict, says, mend = BROKEN[case]
    assert unit_findings(promise, state(promise, **changed), wall=WALL) == [
        Finding(area=promise.area, name=promise.stem, verdict=verdict, says=says, mend=mend)
    ]


def test_each_wrong_of_a_unit_is_told() -> None:
    found = unit_findings(
        SERVICE,
        state(SERVICE, part_of=(), active="inactive", since_s=None, needs_reload=True),
        differs=True,
        wall=WALL,
    )
    assert [(one.says, one.mend) for one in found] == [
        ("is another text than ccmux.toml asks for", "ccmux-deploy"),
        ("is not part of ccmux.target: a stop of that does not stop it", "ccmux-deploy"),
        ("is stopped", "systemctl --user start ccmux-mail.service"),
    ]


def failure(ago_s: float) -> Failure:
    return Failure(at_s=NOW_S - ago_s, unit=TASK.name, result="exit-code")


def past(*ago_s: float, told_s: float = 86_400, reason: str = "") -> Past:
    """Return what the journal tells: failures so long ago; older ones than `told_s` are but counted."""
    return Past(failures=[failure(ago) for ago in ago_s], told_from_s=NOW_S - told_s, reason=reason)


def test_failures_that_are_over_are_worth_knowing() -> None:
    ran = state(TASK, since_s=NOW_S - 30)
    (found,) = unit_findings(TASK, ran, past=past(90, 60), wall=WALL)
    assert (found.verdict, found.says) == (
        Verdict.WARN,
        "failed 2 times, last with exit-code at 11:59 (1 min ago); it is well now",
    )


@pytest.mark.parametrize("since_s", [NOW_S - 60, NOW_S - 61, None])
def test_a_task_whose_failure_was_forgotten_is_not_well_before_it_runs(since_s: float | None) -> None:
    forgotten = state(TASK, since_s=since_s)
    (found,) = unit_findings(TASK, forgotten, past=past(60), wall=WALL)
    assert (found.verdict, found.says) == (
        Verdict.WARN,
        "failed once, with exit-code at 11:59 (1 min ago); it did not run since",
    )


def test_a_unit_that_stays_failed_says_since_when() -> None:
    failed = state(TASK, active="failed", result="exit-code", exit_status=1)
    (found,) = unit_findings(TASK, failed, past=past(10_800, 7_200), wall=WALL)
    assert found.verdict is Verdict.BAD
    assert found.says == (
        "failed with exit-code 1 at 10:00 (2 h 0 min ago); 2 failures, the first 09:00 (3 h 0 min ago)"
    )


def test_failures_of_long_ago_are_counted_beside_what_is_well() -> None:
    (found,) = unit_findings(SERVICE, state(SERVICE), past=past(9_000, 8_000, told_s=3_600), wall=WALL)
    assert (found.verdict, found.says) == (Verdict.OK, "active for 2 h 0 min; 2 failures since boot")
    (found,) = unit_findings(TASK, state(TASK), past=past(8_000, told_s=3_600), wall=WALL)
    assert found.says == "ended well at 10:00 (2 h 0 min ago); 1 failure since boot"
    (found,) = unit_findings(TASK, state(TASK), past=past(8_000, 60, told_s=3_600), wall=WALL)
    assert found.says == "failed once, with exit-code at 11:59 (1 min ago); it did not run since"


REASON = "port 9876 on 127.0.0.1 is taken by another program"
LAST = "last with exit-code at 11:59 (5 s ago)"
LOOPS: dict[str, tuple[dict[str, object], Past, Verdict, str]] = {
    "in its start": (
        {"active": "activating", "sub": "start", "restarts": 18, "since_s": NOW_S - 5},
        past(11, 5, reason=REASON),
        Verdict.BAD,
        f"does not come up, started anew 18 times, {LAST}: {REASON}",
    ),
    "in its start, and there is no journal": (
        {"active": "activating", "sub": "start", "result": "timeout", "since_s": None},
        Past(),
        Verdict.BAD,
        "does not come up, started anew once",
    ),
    "in its pause": (
        {"active": "activating", "sub": "auto-restart", "result": "exit-code", "restarts": 3},
        past(5, reason=REASON),
        Verdict.BAD,
        f"ended with exit-code 0 and is started anew, 3 times so far: {REASON}",
    ),
    "up between two falls": (
        {"restarts": 18, "since_s": NOW_S - 3},
        past(65, 5, reason=REASON),
        Verdict.BAD,
        f"failed 2 times, {LAST}; up for 3 s only: {REASON}",
    ),
    "up between two falls, and there is no journal": (
        {"restarts": 18, "since_s": NOW_S - 3},
        Past(),
        Verdict.BAD,
        "ended and was started anew 18 times, last at 11:59 (3 s ago)",
    ),
    "up after one fall, and there is no journal": (
        {"restarts": 1, "since_s": NOW_S - 3},
        Past(),
        Verdict.WARN,
        "ended and was started anew once, at 11:59 (3 s ago)",
    ),
    "up for less than the last gap": (
        {"restarts": 18, "since_s": NOW_S - 40},
        past(105, 45),
        Verdict.BAD,
        "failed 2 times, last with exit-code at 11:59 (45 s ago); up for 40 s only",
    ),
    "up for longer than that": (
        {"restarts": 18, "since_s": NOW_S - 61},
        past(125, 65),
        Verdict.WARN,
        "failed 2 times, last with exit-code at 11:58 (1 min ago); it is well now",
    ),
    "up for ten minutes after a day": (
        {"restarts": 2, "since_s": NOW_S - 601},
        past(80_000, 605),
        Verdict.WARN,
        "failed 2 times, last with exit-code at 11:49 (10 min ago); it is well now",
    ),
    "started by a person just now": (
        {"restarts": 0, "since_s": NOW_S - 3},
        past(65, 5),
        Verdict.WARN,
        f"failed 2 times, {LAST}; up for 3 s only",
    ),
}


@pytest.mark.parametrize("case", LOOPS)
def test_what_fails_again_and_again_is_not_called_well(case: str) -> None:
    changed, told, verdict, says = LOOPS[case]
    (found,) = unit_findings(SERVICE, state(SERVICE, **changed), past=told, wall=WALL)
    assert (found.verdict, found.says) == (verdict, says)


def test_a_task_at_work_after_a_failure_is_not_yet_well() -> None:
    (found,) = unit_findings(TASK, state(TASK, active="activating", pid=9), past=past(60), wall=WALL)
    assert (found.verdict, found.says) == (
        Verdict.WARN,
        "failed once, with exit-code at 11:59 (1 min ago); it runs again",
    )


def test_what_ends_at_once_is_looked_for_by_the_name_it_prints_under() -> None:
    task = replace(TASK, identifier="ccmux-news")
    failed = state(TASK, active="failed", result="exit-code", exit_status=1)
    (found,) = unit_findings(task, failed, wall=WALL)
    assert found.mend == (
        "journalctl --user-unit ccmux-news.service -n 50 says why "
        "(what it printed: journalctl -t ccmux-news -n 50); then "
        "systemctl --user reset-failed ccmux-news.service && systemctl --user start ccmux-news.service"
    )
    assert promise_of("x.service", "[Service]\nSyslogIdentifier=news\n").identifier == "news"
