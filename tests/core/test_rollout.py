"""Who is enabled, renewed and started follows from what a unit is, how it stands, and whether it changed."""

from __future__ import annotations

import pytest

from ccmux.core.rollout import Failed, Rollout, failed, restart_is_due, roll_out
from ccmux.core.settings import McpSettings, RelaySettings, Settings, TaskSettings, TimerSettings
from ccmux.core.unit_state import UnitState

INSTALL = "\n[Install]\nWantedBy=ccmux.target\n"
TEXTS = {
    "ccmux.target": "[Unit]" + INSTALL,
    "ccmux.service": "[Service]\nType=notify" + INSTALL,
    "ccmux-reconcile.service": "[Service]\nType=oneshot" + INSTALL,
    "ccmux-door.service": "[Service]\n# not Type=oneshot" + INSTALL,
    "ccmux-day.timer": "[Timer]" + INSTALL,
    "ccmux-day.service": "[Service]\nType=oneshot\n",
}
LASTING = ("ccmux.target", "ccmux.service", "ccmux-door.service", "ccmux-day.timer")
INSTALLED = tuple(name for name, text in TEXTS.items() if INSTALL in text)


def states(active: str = "active", **others: str) -> list[UnitState]:
    by_name = {name.replace("_", "-"): state for name, state in others.items()}
    return [
        UnitState(
            name=name,
            load="loaded",
            active=by_name.get(name.partition(".")[0], active),
            file_state="enabled" if INSTALL in text else "static",
        )
        for name, text in TEXTS.items()
    ]


def test_what_systemd_does_not_know_is_enabled_and_started() -> None:
    assert roll_out(TEXTS, [], TEXTS) == Rollout(enable=INSTALLED, start=LASTING)


def test_where_all_runs_and_nothing_changed_nothing_is_done() -> None:
    assert roll_out(TEXTS, states(), ()) == Rollout()
    assert roll_out({}, [], ()) == Rollout()


def test_what_changed_and_runs_is_renewed_but_never_the_target_or_what_runs_once() -> None:
    assert roll_out(TEXTS, states(), TEXTS) == Rollout(
        renew=("ccmux.service", "ccmux-door.service", "ccmux-day.timer")
    )
    assert roll_out(TEXTS, states(ccmux_door="activating"), {"ccmux-door.service"}) == Rollout(
        renew=("ccmux-door.service",)
    )


@pytest.mark.parametrize("changed", [(), ("ccmux-door.service",)])
def test_what_failed_gets_another_chance(changed: tuple[str, ...]) -> None:
    assert roll_out(TEXTS, states(ccmux_door="failed"), changed) == Rollout(
        revive=("ccmux-door.service",), start=("ccmux-door.service",)
    )


def test_what_was_stopped_is_started_as_it_now_stands() -> None:
    assert roll_out(TEXTS, states("inactive"), TEXTS) == Rollout(start=LASTING)


@pytest.mark.parametrize("how", ["disabled", "enabled-runtime", "linked", "linked-runtime", ""])
def test_what_does_not_start_at_each_boot_is_enabled_and_left_running(how: str) -> None:
    disabled = [UnitState(name=name, load="loaded", active="active", file_state=how) for name in TEXTS]
    assert roll_out(TEXTS, disabled, ()) == Rollout(enable=INSTALLED)


def test_only_what_should_run_makes_a_deployment_fail() -> None:
    assert failed(TEXTS, states()) == Failed()
    every = {state.name: state for state in states("failed")}
    found = failed(TEXTS, every.values())
    assert [state.name for state in found.down] == list(LASTING)
    assert found.earlier == (every["ccmux-day.service"],)


def test_what_runs_at_boot_is_not_judged_by_itself() -> None:
    assert failed(TEXTS, states(ccmux_reconcile="failed")) == Failed()


@pytest.mark.parametrize(
    ("deployed", "is_due"),
    [
        (Settings(), False),
        (Settings(mcp=McpSettings(port=8_123)), True),
        (Settings(overseer_tasks={"bell": TaskSettings(command=("bell",))}), True),
        (Settings(timers={"day": TimerSettings(message="hello")}), False),
        (Settings(relay=RelaySettings(enabled=True)), False),
    ],
)
def test_a_restart_is_due_where_something_of_the_daemons_own_is_another(
    deployed: Settings, is_due: bool
) -> None:
    assert restart_is_due(Settings(), deployed, states(), Rollout()) is is_due


def test_no_restart_is_due_where_the_daemon_begins_anyway_or_nobody_can_tell() -> None:
    other = Settings(mcp=McpSettings(port=8_123))
    assert not restart_is_due(None, other, states(), Rollout())
    assert not restart_is_due(Settings(), other, states("inactive"), Rollout())
    assert not restart_is_due(Settings(), other, states(ccmux="activating"), Rollout())
    assert not restart_is_due(Settings(), other, states(), Rollout(renew=("ccmux.service",)))
