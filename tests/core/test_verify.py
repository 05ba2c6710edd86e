"""What verify thinks of what was seen: tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ccmux.core.findings import Finding, Verdict
from ccmux.core.starting import Starting
from ccmux.core.unit_health import Failure, promise_of
from ccmux.core.unit_state import UnitState
from ccmux.core.verify import (
    Units,
    claude_finding,
    health_finding,
    other_finding,
    proxy_address,
    proxy_finding,
    relay_finding,
    session_finding,
    silent_finding,
    units_findings,
    worst_first,
)
from ccmux.core.when import Wall

NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
INSTALL = "[Install]\nWantedBy=ccmux.target\n"


def service(name: str) -> UnitState:
    return UnitState(name=name, load="loaded", active="active", sub="running", file_state="enabled")


def test_units_are_told_in_order_and_what_is_too_many_at_the_end() -> None:
    units = Units(
        promises=[promise_of(f"ccmux{name}.service", INSTALL) for name in ("", "-a", "-b", "-gone")],
        states={name: service(name) for name in ("ccmux.service", "ccmux-a.service", "ccmux-b.service")},
        failures=[Failure(at_s=NOW_S - 60, unit="ccmux-a.service", result="signal")],
        differing=frozenset({"ccmux-b.service"}),
        orphans=["ccmux-old.timer"],
        refused=["ccmux-x.service is somebody else's"],
    )
    told = [(one.area, one.name, one.verdict, one.says) for one in units_findings(units, wall=WALL)]
    assert told == [
        ("service", "ccmux", Verdict.OK, "active"),
        (
            *("service", "ccmux-a", Verdict.WARN),
            "failed once, with signal at 11:59 (1 min ago); it is well now",
        ),
        ("service", "ccmux-b", Verdict.BAD, "is another text than ccmux.toml asks for"),
        ("service", "ccmux-gone", Verdict.BAD, "is not there"),
        ("timer", "ccmux-old", Verdict.BAD, "is left over: no setting calls for it any more"),
        ("deploy", "", Verdict.BAD, "ccmux-x.service is somebody else's"),
    ]


PROJECT = [
    promise_of(name, text)
    for name, text in {
        "ccmux.target": "[Install]\nWantedBy=default.target\n",
        "ccmux.service": f"[Service]\nType=notify\n{INSTALL}",
        "ccmux-reconcile.service": "[Service]\nType=oneshot\n",
        "ccmux-a.timer": f"[Timer]\nOnCalendar=daily\n{INSTALL}",
    }.items()
]


def daemons(units: Units) -> Finding:
    told = units_findings(units, wall=WALL)
    [found] = [one for one in told if (one.area, one.name) == ("service", "ccmux")]
    return found


def still(**changed: dict[str, object]) -> Units:
    """Return a project that is stopped, but for what is changed in a unit."""
    states = {}
    for promise in PROJECT:
        lies = UnitState(
            name=promise.name,
            load="loaded",
            active="inactive",
            sub="dead",
            file_state="static" if promise.oneshot else "enabled",
            since_s=NOW_S - 60,
        )
        key = promise.name.replace(".", "_").replace("-", "_")
        states[promise.name] = replace(lies, **changed.get(key, {}))  # type: ignore[arg-type]
    return Units(promises=PROJECT, states=states)


def test_a_project_that_was_stopped_is_one_finding_with_one_mend() -> None:
    first, reconcile = units_findings(still(), wall=WALL)
    assert first == Finding(
        area="target",
        name="ccmux",
        verdict=Verdict.BAD,
        says="stopped by hand since 11:59 (1 min ago); with it 2 more units",
        mend="systemctl --user start ccmux.target",
    )
    assert (reconcile.name, reconcile.verdict) == ("ccmux-reconcile", Verdict.OK)
    first, *_ = units_findings(still(ccmux_target={"since_s": None}), wall=WALL)
    assert first.says == "not started since boot; with it 2 more units"
    stopping = still(ccmux_service={"active": "deactivating"})
    first, *_ = units_findings(stopping, wall=WALL)
    assert first.says.endswith("; with it 2 more units")
    alone = Units(promises=PROJECT[:2], states=still().states)
    first, *_ = units_findings(alone, wall=WALL)
    assert first.says.endswith("; with it 1 more unit")


def test_what_is_wrong_beside_a_stop_is_told_all_the_same() -> None:
    units = still(ccmux_a_timer={"file_state": "disabled"})
    told = [one.says for one in units_findings(units, wall=WALL) if one.verdict is Verdict.BAD]
    assert told[1:] == ["does not start at boot (disabled)"]


def test_a_task_that_failed_before_the_stop_is_told_beside_it() -> None:
    units = still(ccmux_reconcile_service={"active": "failed", "result": "exit-code", "exit_status": 3})
    first, failed = (one for one in units_findings(units, wall=WALL) if one.verdict is Verdict.BAD)
    assert first.says.endswith("; with it 2 more units")
    assert (failed.name, failed.says) == ("ccmux-reconcile", "failed with exit-code 3 at 11:59 (1 min ago)")


@pytest.mark.parametrize(
    "changed",
    [
        {"ccmux_service": {"active": "failed", "result": "exit-code"}},
        {"ccmux_service": {"active": "active"}},
        {"ccmux_target": {"active": "active"}},
        {"ccmux_service": {"active": "activating", "sub": "auto-restart"}},
        {"ccmux_target": {"load": "not-found"}},
    ],
)
def test_where_target_or_daemon_failed_or_run_it_was_no_mere_stop(
    changed: dict[str, dict[str, object]],
) -> None:
    units = still(**changed)
    assert units.stopped == frozenset()
    assert units.tells_of_daemon is (units.state("ccmux.service").active != "active")


def test_why_a_unit_ended_and_how_long_ago_is_heeded() -> None:
    failures = [Failure(at_s=NOW_S - ago, unit="ccmux.service", result="exit-code") for ago in (9_000, 5)]
    loop: dict[str, object] = {"active": "activating", "sub": "start", "restarts": 4}
    units = replace(
        still(ccmux_service=loop), failures=failures, reasons={"ccmux.service": "port 1 is taken"}
    )
    [found] = [
        one for one in units_findings(units, wall=WALL) if (one.area, one.name) == ("service", "ccmux")
    ]
    assert found.says.endswith(": port 1 is taken")
    well = replace(
        still(ccmux_service={"active": "active", "since_s": NOW_S - 8_000}),
        failures=failures[:1],
        told_from_s=NOW_S - 3_600,
    )
    found = daemons(well)
    assert (found.verdict, found.says) == (Verdict.OK, "active for 2 h 13 min; 1 failure since boot")


def test_the_deployment_of_another_project_is_one_finding() -> None:
    found = other_finding(Starting(other="/b/ccmux.toml"))
    assert (found.verdict, found.says) == (
        Verdict.BAD,
        "the deployment of this user is that of /b/ccmux.toml",
    )
    assert "run this one in the foreground: ccmux; or " in found.mend


def test_a_session_is_there_or_not() -> None:
    assert session_finding("ccmux-x", "").verdict is Verdict.OK
    found = session_finding("ccmux-x", "there is no such session")
    assert (found.verdict, found.says) == (Verdict.BAD, "there is no such session")


STATUS: dict[str, Any] = {"state": "idle", "hold": "", "detail": "", "held_s": 0.0, "pid": 42}

CLAUDES: dict[str, tuple[dict[str, Any], bool, Verdict, str]] = {
    "idle": ({}, True, Verdict.OK, "Claude is idle, pid 42"),
    "at work": (
        *({"state": "busy", "hold": "Claude is generating"}, True, Verdict.OK),
        "Claude is busy: Claude is generating, pid 42",
    ),
    "waits for a person": (
        {"state": "waiting", "hold": "permission prompt", "detail": "Bash", "held_s": 90.0},
        True,
        Verdict.WARN,
        "Claude is waiting: permission prompt (Bash), pid 42, held for 1 min",
    ),
    "not logged in": (
        {"hold": "login needed", "held_s": None},
        True,
        Verdict.BAD,
        "Claude is idle: login needed, pid 42, held for 0 s",
    ),
    "gone without a word": ({}, False, Verdict.BAD, "Claude is idle, its process 42 is gone"),
    "gone": (
        {"pid": None, "state": "down", "hold": "not running", "detail": "it ended with 1"},
        False,
        Verdict.BAD,
        "Claude is down: not running (it ended with 1), no process",
    ),
}


@pytest.mark.parametrize("case", CLAUDES)
def test_claude_is_judged_by_what_the_daemon_says_and_by_its_process(case: str) -> None:
    changed, lives, verdict, says = CLAUDES[case]
    found = claude_finding({**STATUS, **changed}, lives=lives)
    assert (found.area, found.name, found.verdict, found.says) == ("claude", "", verdict, says)
    assert bool(found.mend) is (verdict is not Verdict.OK)


def test_a_daemon_that_does_not_answer_is_bad_where_units_should_have_it_run() -> None:
    found = silent_finding("Connection refused", "start it")
    assert (found.area, found.verdict, found.says) == (
        "daemon",
        Verdict.BAD,
        "it does not answer: Connection refused",
    )
    assert found.mend == "start it"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8118", ("127.0.0.1", 8118)),
        ("http://user:secret@proxy.example:3128/", ("proxy.example", 3128)),
        ("http://proxy.example", ("proxy.example", 80)),
        ("https://proxy.example", ("proxy.example", 443)),
        ("socks5h://proxy.example", ("proxy.example", 1080)),
        ("http://[::1]:9", ("::1", 9)),
        ("http://proxy.example:99999", None),
        ("http://proxy.example:x", None),
        ("http://:80", None),
        ("http://[::1", None),
    ],
)
def test_host_and_port_come_from_the_url(url: str, address: tuple[str, int] | None) -> None:
    assert proxy_address(url) == address


def test_a_proxy_is_told_by_host_and_port_alone() -> None:
    address = proxy_address("http://user:secret@127.0.0.1:8118")
    assert proxy_finding(address, "") == Finding(area="proxy", says="127.0.0.1:8118 answers")
    found = proxy_finding(address, "connection refused")
    assert (found.verdict, found.says) == (
        Verdict.BAD,
        "127.0.0.1:8118 does not answer: connection refused",
    )
    assert proxy_finding(("::1", 9), "").says == "[::1]:9 answers"
    assert proxy_finding(None, "").verdict is Verdict.BAD


def test_our_relay_answers_or_not() -> None:
    assert relay_finding("127.0.0.1:8080", "") == Finding(area="relay", says="127.0.0.1:8080 answers")
    found = relay_finding("127.0.0.1:8080/healthz", "connection refused")
    assert (found.verdict, found.says) == (Verdict.BAD, "127.0.0.1:8080/healthz: connection refused")
    assert found.mend == "set another [relay] port, or: systemctl --user restart ccmux-relay.service"


def test_our_own_port_answers_or_not() -> None:
    assert health_finding(9876, "").says == "127.0.0.1:9876/healthz answers"
    found = health_finding(9876, "connection refused")
    assert (found.verdict, found.says) == (Verdict.BAD, "127.0.0.1:9876/healthz: connection refused")


def test_what_needs_a_person_is_told_first() -> None:
    found = [Finding(area=str(verdict), verdict=verdict, says="") for verdict in (*Verdict, Verdict.BAD)]
    assert [one.verdict for one in worst_first(found)] == [
        Verdict.BAD,
        Verdict.BAD,
        Verdict.WARN,
        Verdict.OK,
    ]
