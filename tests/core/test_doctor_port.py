"""The port is ours, free, or somebody's."""

from __future__ import annotations

import pytest

from ccmux.core.doctor.port import Listener, judge_port
from ccmux.core.findings import Verdict

NGINX = Listener(address="0.0.0.0", uid=33, pid=7, program="nginx")
HIDDEN = Listener(address="::", uid=0)


def test_the_daemon_of_another_project_is_not_to_be_ended() -> None:
    found = judge_port(9876, [NGINX], daemons_port=None, others_port=9876).finding
    assert (found.verdict, found.mend) == (Verdict.BAD, "set another [mcp] port in ccmux.toml")
    theirs = Listener(address="127.0.0.1", uid=1000, pid=8, program="ccmux")
    assert judge_port(9876, [theirs], daemons_port=None).finding.mend == found.mend
    assert "end that" in judge_port(9876, [NGINX], daemons_port=None, others_port=9877).finding.mend


@pytest.mark.parametrize(
    ("listeners", "daemons", "verdict", "word"),
    [
        ([NGINX], 9876, Verdict.OK, "this project's daemon"),
        ([], None, Verdict.OK, "free"),
        ([], 9877, Verdict.WARN, "the daemon listens on 9877"),
        ([NGINX], None, Verdict.BAD, "nginx (pid 7, user 33, on 0.0.0.0)"),
        ([NGINX, HIDDEN], 9877, Verdict.BAD, "and a program of user 0 (on ::)"),
    ],
)
def test_whose_it_is(listeners: list[Listener], daemons: int | None, verdict: Verdict, word: str) -> None:
    found = judge_port(9876, listeners, daemons_port=daemons).finding
    assert found.verdict is verdict
    assert word in found.says
    assert bool(found.mend) is (verdict is not Verdict.OK)


def test_a_daemon_that_hangs_has_its_own_port() -> None:
    ours = Listener(address="127.0.0.1", uid=1000, pid=8, program="ccmux")
    found = judge_port(9876, [ours], daemons_port=None, silent_pid=8).finding
    assert (found.verdict, found.says) == (
        Verdict.OK,
        "9876 belongs to this project's daemon, which does not answer",
    )
    assert judge_port(9876, [NGINX], daemons_port=None, silent_pid=8).finding.verdict is Verdict.BAD
    assert judge_port(9876, [], daemons_port=None, silent_pid=8).finding.verdict is Verdict.OK
