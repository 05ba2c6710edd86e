"""tmux is judged by its version and by what a pane of it really passes on."""

from __future__ import annotations

import pytest

from ccmux.core.doctor.tmux import CANARY, CanaryFacts, expected, judge_canary, judge_version
from ccmux.core.findings import Verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("tmux 3.3a\n", Verdict.OK),
        ("tmux 3.2a", Verdict.OK),
        ("tmux 3.3", Verdict.OK),
        ("tmux 4.0", Verdict.OK),
        ("tmux next-3.6", Verdict.OK),
        ("tmux 3.2", Verdict.BAD),
        ("tmux 2.9a", Verdict.BAD),
        ("", Verdict.BAD),
        ("tmux master", Verdict.WARN),
    ],
)
def test_versions(said: str, verdict: Verdict) -> None:
    found = judge_version(said).finding
    assert found.verdict is verdict
    assert bool(found.mend) is (verdict is not Verdict.OK)


def test_the_long_text_is_long() -> None:
    long = CANARY["a long text"]
    assert (len(long), long.count("\n") + 1) == (20_000, 400)


ARRIVED = {name: expected(text) for name, text in CANARY.items()}


def canary(failure: str = "", **changed: bytes) -> str:
    arrived = {**ARRIVED, **{name.replace("_", " "): got for name, got in changed.items()}}
    found = judge_canary(CanaryFacts(arrived=arrived, failure=failure)).finding
    assert bool(found.mend) is (found.verdict is not Verdict.OK)
    return f"{found.verdict}: {found.says}"


def test_all_that_arrives_to_the_byte_is_well() -> None:
    assert canary().startswith("ok: ")


@pytest.mark.parametrize(
    ("got", "word"),
    [
        (b"", "nothing came"),
        (b"ccmux doctor\r", "as single keys"),
        (expected("ccmux doctor")[:-1], "24 of 25 bytes"),
        (expected("ccmux doctor") + b"\r", "26 of 25 bytes"),
        (expected("ccmux_doctor"), "byte 11 is another one"),
        (b"\x1b[200~ccmux doctor\r\x1b[201~", "byte 18"),
    ],
)
def test_what_arrives_otherwise_is_told(got: bytes, word: str) -> None:
    said = canary(a_short_text=got)
    assert said.startswith("bad: a short text")
    assert word in said


def test_a_canary_that_came_to_no_end_says_why() -> None:
    assert canary("tmux is gone", unicode=b"").endswith("did not arrive: tmux is gone")
    assert canary("it hung").startswith("bad: it hung")
