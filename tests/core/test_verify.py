"""What verify thinks of what was seen: tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ccmux.core.findings import Finding, Verdict
from ccmux.core.unit_health import Failure, promise_of
from ccmux.core.unit_state import UnitState
from ccmux.core.verify import (
    Daemon,
    Units,
    daemon_findings,
    health_finding,
    linger_finding,
    proxy_address,
    proxy_finding,
    session_finding,
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
            "failed once, last with signal at 11:59 (1 min ago); it is well now",
        ),
        ("service", "ccmux-b", Verdict.BAD, "is another text than ccmux.toml asks for"),
        ("service", "ccmux-gone", Verdict.BAD, "is not there"),
        ("timer", "ccmux-old", Verdict.BAD, "is left over: no setting calls for it any more"),
        ("deploy", "", Verdict.BAD, "ccmux-x.service is somebody else's"),
    ]


@pytest.mark.parametrize(
    ("lingering", "verdict"), [(True, Verdict.OK), (False, Verdict.BAD), (None, Verdict.WARN)]
)
def test_units_should_outlive_a_logout(*, lingering: bool | None, verdict: Verdict) -> None:
    assert linger_finding(lingering).verdict is verdict


def test_a_session_is_there_or_not() -> None:
    assert session_finding("ccmux-x", "").verdict is Verdict.OK
    found = session_finding("ccmux-x", "there is no such session")
    assert (found.verdict, found.says) == (Verdict.BAD, "there is no such session")


STATUS: dict[str, Any] = {
    "version": "1.0",
    "uptime_s": 7_200.4,
    "state": "idle",
    "hold": "",
    "detail": "",
    "held_s": 0.0,
    "pid": 42,
    "trouble": "",
}


def heard(*, lives: bool = True, **changed: object) -> list[tuple[str, Verdict, str]]:
    daemon = Daemon(status={**STATUS, **changed}, installed="1.0", claude_lives=lives)
    return [(one.area, one.verdict, one.says) for one in daemon_findings(daemon)]


WELL = ("daemon", Verdict.OK, "answers, version 1.0, up 2 h 0 min")

CLAUDES: dict[str, tuple[dict[str, Any], Verdict, str]] = {
    "idle": ({}, Verdict.OK, "is idle, pid 42"),
    "at work": ({"state": "busy", "hold": "Claude is generating"}, Verdict.OK, "is busy, pid 42"),
    "waits for a person": (
        {"state": "waiting", "hold": "permission prompt", "detail": "Bash", "held_s": 90.0},
        Verdict.WARN,
        "is waiting, pid 42; messages are held for 1 min: permission prompt: Bash",
    ),
    "paused": (
        {"hold": "paused"},
        Verdict.WARN,
        "is idle, pid 42; messages are held for 0 s: paused",
    ),
    "not logged in": (
        {"hold": "login needed", "held_s": None},
        Verdict.BAD,
        "is idle, pid 42; messages are held for 0 s: login needed",
    ),
    "gone without a word": ({"lives": False}, Verdict.BAD, "pid 42 is gone"),
    "gone": (
        {"pid": None, "state": "down", "hold": "not running", "detail": "it ended with 1"},
        Verdict.BAD,
        "does not run (not running: it ended with 1)",
    ),
    "gone, no hold yet": ({"pid": None, "detail": "x"}, Verdict.BAD, "does not run (x)"),
}


@pytest.mark.parametrize("case", CLAUDES)
def test_claude_is_judged_by_what_the_daemon_says(case: str) -> None:
    changed, verdict, says = CLAUDES[case]
    assert heard(**changed) == [WELL, ("claude", verdict, says)]


def test_a_daemon_that_does_not_answer_is_all_that_is_told() -> None:
    (found,) = daemon_findings(Daemon(status=None, unreachable="no daemon answers", installed="1.0"))
    assert (found.area, found.verdict, found.says) == ("daemon", Verdict.BAD, "no daemon answers")
    assert "systemctl --user start ccmux.service" in found.mend


def test_a_daemon_of_another_version_than_the_installed_one_is_worth_knowing() -> None:
    says = "answers, version 0.9, up 0 s; version 1.0 is installed"
    assert heard(version="0.9", uptime_s=None)[0] == ("daemon", Verdict.WARN, says)


def test_a_database_that_waits_is_bad() -> None:
    says = "answers, version 1.0, up 2 h 0 min; its database waits: disk full"
    assert heard(trouble="disk full")[0] == ("daemon", Verdict.BAD, says)


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
