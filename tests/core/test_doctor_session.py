"""The daemon and its Claude: what holds, whether they hear each other, each with the way out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccmux.core.doctor.session import (
    DaemonFacts,
    Reach,
    judge_claude,
    judge_daemon,
    judge_hooks,
    judge_mcp,
    should_have_been_heard,
)
from ccmux.core.findings import Verdict
from ccmux.core.mcp_config import entry
from ccmux.core.starting import Starting

OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD
STATUS = {"session": "app", "version": "1.0", "uptime_s": 100.0, "state": "idle", "hold": "", "pid": 7}


@pytest.mark.parametrize(
    ("reach", "status", "known", "changed_s", "verdict", "word"),
    [
        (Reach.ANSWERED, {}, True, None, OK, "up 1 min"),
        (Reach.ANSWERED, {}, True, 200.0, OK, "up 1 min"),
        (Reach.ANSWERED, {}, True, 50.0, WARN, "changed after it started"),
        (Reach.ANSWERED, {"settings": {"wrong": ["no"]}}, True, 50.0, WARN, "uses older settings"),
        (Reach.ANSWERED, {"version": "0.9"}, True, None, WARN, "runs version 0.9, 1.0"),
        (Reach.ANSWERED, {"session": "other"}, True, None, BAD, "of project 'other'"),
        (Reach.ANSWERED, {"trouble": "disk full"}, True, None, BAD, "disk full"),
        (Reach.NOBODY, {}, True, None, WARN, "does not run"),
        (Reach.NOBODY, {}, False, None, WARN, "no project here"),
        (Reach.SILENT, {}, True, None, BAD, "no answer in time"),
    ],
)
def test_the_daemon(
    reach: Reach, status: dict[str, Any], known: bool, changed_s: float | None, verdict: Verdict, word: str
) -> None:
    facts = DaemonFacts(reach=reach, reason="no answer in time", status={**STATUS, **status})
    assert facts.is_up is (reach is Reach.ANSWERED)
    found = judge_daemon(
        facts,
        project="app",
        version="1.0",
        known=known,
        settings_changed_s=changed_s,
        starting=Starting(),
    ).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not OK)


@pytest.mark.parametrize(
    ("reach", "status", "by_hand", "by_systemd"),
    [
        (Reach.NOBODY, {}, "start it with `ccmux`", "systemctl --user start ccmux.target"),
        (Reach.SILENT, {}, "ccmux stop && ccmux", "systemctl --user restart ccmux.service"),
        (
            Reach.ANSWERED,
            {"version": "0.9"},
            "ccmux stop && ccmux;",
            "systemctl --user restart ccmux.service;",
        ),
        (Reach.ANSWERED, {"session": "b"}, "[runtime] dir and another [mcp] port", "[runtime] dir"),
    ],
)
def test_the_way_out_is_that_of_who_starts_it(
    reach: Reach, status: dict[str, Any], by_hand: str, by_systemd: str
) -> None:
    facts = DaemonFacts(reach=reach, status={**STATUS, **status})
    for deployed, mend in ((False, by_hand), (True, by_systemd)):
        found = judge_daemon(
            facts,
            project="app",
            version="1.0",
            known=True,
            settings_changed_s=None,
            starting=Starting(deployed=deployed),
        ).finding
        assert mend in found.mend
        assert ("systemctl" in found.mend) is (deployed and "[runtime]" not in mend)


@pytest.mark.parametrize(
    ("state", "hold", "detail", "verdict", "word"),
    [
        ("idle", "", "", OK, "Claude is idle"),
        ("busy", "Claude is generating", "", OK, "generating"),
        ("idle", "terminal active", "", OK, "terminal active"),
        ("idle", "paused", "", OK, "Claude is idle"),
        ("starting", "starting", "", OK, "starting"),
        ("starting", "starting", "folder trust: attach", BAD, "asks at its start: folder trust"),
        ("waiting", "login needed", "", BAD, "login needed"),
        ("down", "not running", "it ended with 1", BAD, "it ended with 1"),
        ("waiting", "permission prompt", "", WARN, "permission prompt"),
        ("idle", "a word of later", "", WARN, "a word of later"),
    ],
)
def test_what_claude_waits_for(state: str, hold: str, detail: str, verdict: Verdict, word: str) -> None:
    found = judge_claude({"state": state, "hold": hold, "detail": detail}).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not OK)


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        ({"pid": 7, "state": "idle"}, True),
        ({"pid": 7, "state": "starting"}, False),
        ({"pid": None, "state": "idle"}, False),
    ],
)
def test_a_hook_is_due_once_claude_is_past_its_start(status: dict[str, Any], heard: bool) -> None:
    assert should_have_been_heard(status) is heard


@pytest.mark.parametrize(
    ("heard_at", "waiting", "rejected", "verdict", "word"),
    [
        (110.0, 0, 0, OK, "the last 1 min ago"),
        (99.0, 0, 0, BAD, "no hook of this Claude"),
        (None, 0, 0, BAD, "no hook of this Claude"),
        (110.0, 2, 0, BAD, "2 events lie"),
        (110.0, 0, 3, WARN, "3 events were not understood"),
    ],
)
def test_hooks(heard_at: float | None, waiting: int, rejected: int, verdict: Verdict, word: str) -> None:
    found = judge_hooks(
        heard_at=heard_at, claude_started_at=100.0, waiting=waiting, rejected=rejected, now=170.0
    ).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not OK)


def config(**servers: object) -> bytes:
    return json.dumps({"mcpServers": servers}).encode()


@pytest.mark.parametrize(
    ("content", "daemon_up", "verdict", "word"),
    [
        (config(ccmux=entry(9876)), True, OK, "names port 9876"),
        (config(ccmux=entry(9999)), True, BAD, "127.0.0.1:9999"),
        (config(ccmux=entry(9999)), False, OK, "next start"),
        (config(ccmux={**entry(9876), "headers": {}}), True, WARN, "changed by hand"),
        (config(ccmux="x"), True, BAD, "no entry"),
        (config(other={}), True, BAD, "no entry"),
        (None, True, BAD, "no entry"),
        (None, False, OK, "next start"),
        (b"{", False, BAD, "cannot be read"),
    ],
)
def test_the_mcp_entry(content: bytes | None, daemon_up: bool, verdict: Verdict, word: str) -> None:
    found = judge_mcp(content, port=9876, daemon_up=daemon_up).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not OK)
