"""What systemd does for this project, and what it would not do after a reboot."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ccmux.core.doctor import Diagnosis, Fix, FixKind
from ccmux.core.doctor.services import UnitFiles, judge_linger, judge_manager, judge_undeployed, judge_units
from ccmux.core.findings import Verdict
from ccmux.core.starting import Starting
from ccmux.core.unit_health import promise_of
from ccmux.core.unit_state import NoManager, UnitState
from ccmux.core.verify import Units
from ccmux.core.when import Wall

OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD
NOBODY = NoManager(
    why="the user manager does not answer (Failed to connect to bus: No medium found)",
    way_out="log in as yourself",
)


@pytest.mark.parametrize(
    ("unreachable", "version", "deployed", "verdict", "mend"),
    [
        (None, 252, True, OK, ""),
        (None, None, True, OK, ""),
        (None, 240, True, WARN, "upgrade"),
        (NOBODY, None, False, WARN, "log in as yourself"),
        (NOBODY, None, True, BAD, "log in as yourself"),
    ],
)
def test_the_manager(
    unreachable: NoManager | None, version: int | None, deployed: bool, verdict: Verdict, mend: str
) -> None:
    found = judge_manager(unreachable, version=version, deployed=deployed).finding
    assert found.verdict is verdict
    assert mend in found.mend
    assert unreachable is None or found.says.endswith("(Failed to connect to bus: No medium found)")


@pytest.mark.parametrize(
    ("lingering", "deployed", "verdict", "fixes"),
    [
        (True, True, OK, ()),
        (None, True, WARN, ()),
        (False, True, BAD, (Fix(kind=FixKind.LINGER),)),
        (False, False, WARN, ()),
    ],
)
def test_linger_is_switched_on_only_for_what_is_deployed(
    lingering: bool | None, deployed: bool, verdict: Verdict, fixes: tuple[Fix, ...]
) -> None:
    found = judge_linger(lingering, deployed=deployed)
    assert (found.finding.verdict, found.fixes) == (verdict, fixes)


NOW_S = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
WALL = Wall(now_s=NOW_S, local=lambda ts: datetime.fromtimestamp(ts, UTC))
TEXTS = {
    "ccmux.target": "[Install]\nWantedBy=default.target\n",
    "ccmux.service": "[Service]\nType=notify\n[Install]\nWantedBy=ccmux.target\n",
    "ccmux-a.service": "[Service]\nType=exec\n[Install]\nWantedBy=ccmux.target\n",
    "ccmux-t.service": "[Service]\nType=oneshot\n",
}
FILES = UnitFiles(deployed=tuple(TEXTS))


def units(reason: str = "", **changed: dict[str, object]) -> Units:
    """Return units that are well, but for what is changed: `target`, `daemon`, `adapter`, `task`."""
    states = {}
    for name, who in zip(TEXTS, ("target", "daemon", "adapter", "task"), strict=True):
        facts: dict[str, object] = {"active": "active", "file_state": "enabled", "load": "loaded"}
        facts |= {"active": "inactive", "file_state": "static"} if who == "task" else {}
        states[name] = UnitState(name=name, **{**facts, **changed.get(who, {})})  # type: ignore[arg-type]
    promises = [promise_of(name, text) for name, text in TEXTS.items()]
    return Units(promises=promises, states=states, reasons={"ccmux.service": reason} if reason else {})


def judged(seen: Units, files: UnitFiles = FILES) -> list[Diagnosis]:
    found = judge_units(files, seen, wall=WALL)
    assert all(bool(one.finding.mend) is (one.finding.verdict is not OK) for one in found)
    return found


def test_units_that_run_and_are_up_to_date_are_well() -> None:
    [found] = judged(units())
    assert (found.finding.verdict, found.finding.says) == (OK, "4 deployed, up to date")


def test_none_deployed_is_a_warning_that_names_whose_are_there() -> None:
    found = judge_undeployed(Starting()).finding
    assert (found.verdict, found.mend) == (WARN, "ccmux-deploy")
    found = judge_undeployed(Starting(other="/b/ccmux.toml")).finding
    assert (found.verdict, "/b/ccmux.toml" in found.says) == (WARN, True)
    assert "ccmux-deploy --config /b/ccmux.toml remove && ccmux-deploy" in found.mend


STOPPED: dict[str, object] = {"active": "inactive"}
FAILED: dict[str, object] = {"active": "failed", "sub": "failed", "result": "exit-code", "exit_status": 3}
UNITS: dict[str, tuple[Units, str, str, bool]] = {
    "an adapter that was given up": (
        units(adapter=FAILED),
        "ccmux-a.service: failed with exit-code 3",
        "systemctl --user reset-failed ccmux-a.service && systemctl --user start ccmux-a.service",
        True,
    ),
    "one that was forgotten, and lies": (
        units(adapter=STOPPED),
        "ccmux-a.service: is stopped",
        "systemctl --user start ccmux-a.service",
        False,
    ),
    "one in its pause": (
        units(
            adapter={"active": "activating", "sub": "auto-restart", "result": "signal", "exit_status": 9},
        ),
        "ccmux-a.service: ended with signal 9 and is started anew",
        "journalctl --user-unit ccmux-a.service -n 50 says why",
        False,
    ),
    "a task that failed": (
        units(task=FAILED),
        "ccmux-t.service: failed with exit-code 3",
        "systemctl --user reset-failed ccmux-t.service && systemctl --user start ccmux-t.service",
        True,
    ),
    "a daemon that does not come up": (
        units("port 1 is taken", daemon={"active": "activating", "sub": "start", "restarts": 4}),
        "ccmux.service: does not come up, started anew 4 times: port 1 is taken",
        "journalctl --user-unit ccmux.service -n 50 says why",
        False,
    ),
    "a daemon that was stopped": (
        units(daemon=STOPPED),
        "ccmux.service: is stopped",
        "systemctl --user start ccmux.service",
        False,
    ),
    "all stopped": (
        units(target=STOPPED, daemon=STOPPED, adapter=STOPPED),
        "ccmux.target: not started since boot; with it 2 more units",
        "systemctl --user start ccmux.target",
        False,
    ),
    "a target that no boot starts": (
        units(target={"file_state": "enabled-runtime"}),
        "ccmux.target: does not start at boot (enabled-runtime)",
        "systemctl --user enable ccmux.target",
        False,
    ),
    "a file that systemd cannot use": (
        units(adapter={"load": "bad-setting"}),
        "ccmux-a.service: cannot be read by systemd (bad-setting)",
        "systemd-analyze --user verify ccmux-a.service says why; then ccmux-deploy",
        False,
    ),
}


@pytest.mark.parametrize("case", UNITS)
def test_a_unit_is_judged_as_verify_does(case: str) -> None:
    seen, says, mend, is_forgotten_by_fix = UNITS[case]
    [found] = judged(seen)
    assert (found.finding.area, found.finding.verdict) == ("systemd", BAD)
    assert f"{found.finding.name}: {found.finding.says}" == says
    assert found.finding.mend.endswith(mend)
    fix = Fix(kind=FixKind.RESET_FAILED, target=found.finding.name)
    assert found.fixes == ((fix,) if is_forgotten_by_fix else ())


def test_what_deploying_again_would_refuse_is_bad() -> None:
    refused = UnitFiles(deployed=FILES.deployed, refused=("ccmux-x.service is another's: move it",))
    [found] = judged(units(), refused)
    assert (found.finding.verdict, found.finding.mend) == (BAD, "mend that, then ccmux-deploy")


def test_stale_files_name_the_deploy_command_and_one_that_is_gone_no_other() -> None:
    stale = UnitFiles(deployed=FILES.deployed, stale=("ccmux-a.service",))
    [found] = judged(units(adapter={"load": "not-found", "active": "inactive"}), stale)
    assert (found.finding.verdict, found.finding.name) == (WARN, "units")
    assert "ccmux-a.service" in found.finding.says
    assert found.finding.mend.startswith("ccmux-deploy")


def test_files_newer_than_what_systemd_read_are_read_again_once() -> None:
    changed: dict[str, object] = {"needs_reload": True}
    [found] = judged(units(target=changed, daemon=changed))
    assert (found.finding.verdict, found.fixes) == (WARN, (Fix(kind=FixKind.RELOAD),))
