"""How a daemon is started is told by who starts it."""

from __future__ import annotations

import pytest

from ccmux.core.starting import BY_HAND, Starting, fails
from ccmux.core.unit_state import UnitState


def service(active: str, sub: str = "", **facts: object) -> UnitState:
    return UnitState(name="ccmux.service", load="loaded", active=active, sub=sub, **facts)  # type: ignore[arg-type]


TARGET = "systemctl --user start ccmux.target"
WHY = "journalctl --user-unit ccmux.service -n 20 says why"
AGAIN = f"systemd tries again and again: {WHY} it ends"

STARTS = {
    "nothing is deployed": (Starting(), BY_HAND),
    "another project is deployed": (Starting(other="/b/ccmux.toml"), BY_HAND),
    "deployed, and nobody was asked": (Starting(deployed=True), f"start it with `{TARGET}`"),
    "stopped": (
        Starting(deployed=True, service=service("inactive", "dead")),
        f"start it with `{TARGET}`",
    ),
    "in its restart pause": (Starting(deployed=True, service=service("activating", "auto-restart")), AGAIN),
    "given up": (
        Starting(deployed=True, service=service("failed", "failed")),
        f"it failed: {WHY}; then: systemctl --user restart ccmux.service",
    ),
    "starting again": (Starting(deployed=True, service=service("activating", "start", restarts=3)), AGAIN),
    "starting": (
        Starting(deployed=True, service=service("activating", "start")),
        f"systemd is starting it; if it stays away: {WHY}",
    ),
    "active, and nobody listens": (
        Starting(deployed=True, service=service("active", "running")),
        f"systemctl --user restart ccmux.service; {WHY}",
    ),
}


@pytest.mark.parametrize("case", STARTS)
def test_how_a_daemon_that_is_down_comes_up(case: str) -> None:
    starting, told = STARTS[case]
    assert starting.start == told


def test_what_was_stopped_starts_again_as_it_was_started() -> None:
    assert (Starting().again, Starting(deployed=True).again) == ("ccmux", TARGET)
    failed = Starting(deployed=True, service=service("failed"))
    assert failed.again == TARGET, "what it was before the stop is past"
    demo = Starting(demo=True)
    assert (demo.again, demo.restart) == ("ccmux --demo", "ccmux stop && ccmux --demo")


def test_a_daemon_that_hangs_is_not_to_be_started() -> None:
    for starting, again in (
        (Starting(), "its log says why; if it stays so: ccmux stop && ccmux"),
        (Starting(deployed=True), f"{WHY}; if it stays so: systemctl --user restart ccmux.service"),
    ):
        assert starting.silent == f"it hangs, or has very much to do: {again}"


def test_beside_the_deployment_of_another_project_there_are_two_ways() -> None:
    assert Starting(other="/b c/ccmux.toml").instead == (
        "run this one in the foreground: ccmux; or deploy it instead: "
        "ccmux-deploy --config '/b c/ccmux.toml' remove && ccmux-deploy"
    )


@pytest.mark.parametrize(
    ("state", "failing"),
    [
        (service("active", "running", restarts=5), False),
        (service("inactive", "dead", result="exit-code"), False),
        (service("activating", "start"), False),
        (service("activating", "start", restarts=1), True),
        (service("activating", "start", result="timeout"), True),
        (service("activating", "auto-restart"), True),
        (service("failed", "failed"), True),
    ],
)
def test_a_service_fails_also_while_it_is_started_anew(state: UnitState, failing: bool) -> None:
    assert fails(state) is failing
