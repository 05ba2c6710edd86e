"""The cases on an altered demo agent: what is altered fails in the case that needs it, with the fact."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmux.trial import waiting
from ccmux.trial.cases import CASES, Case
from ccmux.trial.follower import Event, Follower
from ccmux.trial.run import Result, run
from ccmux.trial.stand import Stand
from tests.trial.altered import altered


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not come when Claude's turn is over never comes."""
    read = Follower.next

    def read_then_short(self: Follower) -> Event:
        event = read(self)
        if event["type"] == "turn":
            monkeypatch.setattr(waiting, "LIMIT_S", 0.5)
        return event

    monkeypatch.setattr(Follower, "next", read_then_short)


def tried(tmp_path: Path, how: str, *names: str) -> list[Result]:
    cases = [case for name in names for case in CASES if case.name == name]
    told: list[Result] = []
    found = run(cases, command=[altered(tmp_path, how)], inherited=os.environ, on_result=told.append)
    assert [result.name for result in found] == list(names)
    assert told == found[: len(told)]
    return found


@pytest.mark.parametrize(
    ("how", "case", "says"),
    [
        ("swallows a character", "text: shapes of a line", "helo"),
        ("never fires Stop", "turn: hooks fire", "a Stop hook"),
    ],
)
def test_an_altered_claude_fails_in_the_case_that_needs_what_was_altered(
    tmp_path: Path, how: str, case: str, says: str
) -> None:
    [failed] = tried(tmp_path, how, case)
    assert not failed.passed
    assert says in failed.says
    assert "❯" in failed.screen


# ------------------------------------------------------------------------------------ stories without a house


def told(*stories: Callable[[Stand], None]) -> list[Result]:
    cases = [Case(name=str(number), story=story) for number, story in enumerate(stories)]
    return run(cases, command=["true"], inherited=os.environ, on_result=lambda _: None)


def passes(_stand: Stand) -> None:
    return


def fails(_stand: Stand) -> None:
    raise waiting.NotSo("no luck today")


def breaks(_stand: Stand) -> None:
    raise LookupError("no such prompt")


def test_where_the_first_fails_the_others_are_not_tried() -> None:
    assert [result.says for result in told(fails, passes)] == [
        "no luck today",
        "not tried: the first case failed",
    ]


def test_where_there_are_no_cases_nothing_is_tried() -> None:
    assert told() == []


def test_whatever_a_story_meets_speaks_against_its_case_and_the_others_go_on() -> None:
    first, second, third = told(passes, breaks, passes)
    assert (first.passed, second.passed, third.passed) == (True, False, True)
    assert "no such prompt" in second.says


def test_a_trial_that_is_cut_takes_its_houses_down_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    inside = threading.Event()

    def waits(stand: Stand) -> None:
        inside.set()
        stand.until(lambda: False, "the end of all days")

    def cut(result: Result) -> None:
        if result.name == "1":
            inside.wait(20)
            raise KeyboardInterrupt

    cases = [Case(name="0", story=passes), Case(name="1", story=passes), Case(name="2", story=waits)]
    with pytest.raises(KeyboardInterrupt):
        run(cases, command=["true"], inherited=os.environ, on_result=cut)
    assert list(tmp_path.iterdir()) == []
