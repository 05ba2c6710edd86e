"""What systemd does for this project, and what it would not do after a reboot."""

from __future__ import annotations

import pytest

from ccmux.core.doctor import Fix, FixKind
from ccmux.core.doctor.services import UnitFiles, judge_linger, judge_manager, judge_undeployed, judge_units
from ccmux.core.findings import Verdict
from ccmux.core.starting import Starting
from ccmux.core.unit_state import UnitState

OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD


@pytest.mark.parametrize(
    ("unreachable", "version", "deployed", "verdict", "mend"),
    [
        ("", 252, True, OK, ""),
        ("", None, True, OK, ""),
        ("", 240, True, WARN, "upgrade"),
        ("no systemd: run it yourself", None, False, WARN, "run it yourself"),
        ("it is silent", None, True, BAD, "terminal"),
    ],
)
def test_the_manager(
    unreachable: str, version: int | None, deployed: bool, verdict: Verdict, mend: str
) -> None:
    found = judge_manager(unreachable, version=version, deployed=deployed).finding
    assert found.verdict is verdict
    assert mend in found.mend


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


def unit(name: str, active: str = "active", **facts: object) -> UnitState:
    return UnitState(name=name, active=active, **{"load": "loaded", **facts})  # type: ignore[arg-type]


HEALTHY = (unit("ccmux.target", file_state="enabled"), unit("ccmux.service"))
FILES = UnitFiles(deployed=("ccmux.target", "ccmux.service"))


def verdicts(files: UnitFiles, *states: UnitState) -> list[Verdict]:
    found = judge_units(files, states)
    assert all(bool(one.finding.mend) is (one.finding.verdict is not OK) for one in found)
    return [one.finding.verdict for one in found]


def test_units_that_run_and_are_up_to_date_are_well() -> None:
    assert verdicts(FILES, *HEALTHY) == [OK]


def test_none_deployed_is_a_warning_that_names_whose_are_there() -> None:
    found = judge_undeployed(Starting()).finding
    assert (found.verdict, found.mend) == (WARN, "ccmux-deploy")
    found = judge_undeployed(Starting(other="/b/ccmux.toml")).finding
    assert (found.verdict, "/b/ccmux.toml" in found.says) == (WARN, True)
    assert "ccmux-deploy --config /b/ccmux.toml remove && ccmux-deploy" in found.mend


WHY = "journalctl --user-unit ccmux.service -n 20 says why"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {"sub": "auto-restart", "result": "exit-code", "exit_status": 1, "restarts": 4},
            "ended with exit-code 1, does not stay up: started anew 4 times: port 1 is taken",
        ),
        ({"sub": "start", "restarts": 4}, "does not stay up: started anew 4 times: port 1 is taken"),
    ],
)
def test_a_daemon_that_is_started_anew_again_and_again_is_not_well(
    facts: dict[str, object], says: str
) -> None:
    files = UnitFiles(deployed=FILES.deployed, reasons={"ccmux.service": "port 1 is taken"})
    [found] = judge_units(files, [HEALTHY[0], unit("ccmux.service", "activating", **facts)])
    assert (found.finding.verdict, found.finding.says, found.finding.mend) == (BAD, says, WHY)


def test_an_adapter_in_its_restart_pause_and_a_task_at_work_after_a_failure() -> None:
    paused = unit(
        "ccmux-a.service", "activating", sub="auto-restart", result="signal", exit_status=9, restarts=2
    )
    [found] = judge_units(FILES, [*HEALTHY, paused])
    assert found.finding.says == "ended with signal 9, is started anew, 2 times so far"
    assert verdicts(FILES, *HEALTHY, unit("ccmux-t.service", "activating", sub="start", result="signal")) == [
        OK
    ]


def test_what_deploying_again_would_refuse_is_bad() -> None:
    refused = UnitFiles(deployed=FILES.deployed, refused=("ccmux-x.service is another's: move it",))
    assert verdicts(refused, *HEALTHY) == [BAD]


def test_stale_files_name_the_deploy_command() -> None:
    [found] = judge_units(UnitFiles(deployed=("ccmux.target",), stale=("ccmux.service",)), HEALTHY)
    assert "ccmux.service" in found.finding.says
    assert found.finding.mend.startswith("ccmux-deploy")


def test_files_newer_than_what_systemd_read_are_read_again_once() -> None:
    changed = [unit(state.name, file_state="enabled", needs_reload=True) for state in HEALTHY]
    [found] = judge_units(FILES, changed)
    assert found.fixes == (Fix(kind=FixKind.RELOAD),)


@pytest.mark.parametrize(
    ("state", "verdict", "fix"),
    [
        (unit("ccmux-a.service", "failed", result="exit-code", exit_status=3), BAD, True),
        (unit("ccmux.service", "inactive"), WARN, False),
        (unit("ccmux.target", file_state="disabled"), BAD, False),
        (unit("ccmux.target", file_state="enabled-runtime"), BAD, False),
        (unit("ccmux-a.service", load="bad-setting"), BAD, False),
        (unit("ccmux-a.service", "inactive"), None, False),
    ],
)
def test_a_unit(state: UnitState, verdict: Verdict | None, fix: bool) -> None:
    [found] = judge_units(FILES, [state])
    assert found.finding.verdict is (verdict or OK)
    assert bool(found.fixes) is fix
