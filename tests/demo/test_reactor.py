from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ccmux.demo.reactor import Park, Pause, Reactor, Task, Work

Waits = Generator[Pause | Work | Park, Any, Any]


class Story:
    """A reactor with a pipe for its input; what routines see is kept in `seen`."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.seen: list[object] = []
        self.read_end, self.write_end = os.pipe()
        self._others = threading.enumerate()

    def run(self, on_input: Callable[[], None] = lambda: None) -> list[object]:
        self.reactor.later(20, lambda: self.reactor.stop(99))
        try:
            assert self.reactor.run(self.read_end, on_input, lambda: None) == 0
        finally:
            for thread in self._threads_of_mine():
                thread.join()
            for fd in (self.read_end, self.write_end):
                os.close(fd)
            self.reactor.close()
        return self.seen

    def _threads_of_mine(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._others]

    def note_and_stop(self, routine: Waits) -> Waits:
        try:
            self.seen.append((yield from routine))
        finally:
            self.reactor.stop(0)


def test_work_is_sent_back_and_pauses_pass() -> None:
    story = Story()

    def routine() -> Waits:
        yield Pause(0)
        return (yield Work(lambda: 6 * 7))

    story.reactor.spawn(story.note_and_stop(routine()))
    assert story.run() == [42]


def test_who_answers_a_parked_routine_first_wins_and_the_late_answer_is_forgotten() -> None:
    story, door = Story(), threading.Event()

    def routine() -> Waits:
        first = yield Park(lambda: door.wait(20) and "too late")
        door.set()
        second = yield Work(lambda: "next")
        yield Pause(0.05)
        return first, second

    task = story.reactor.spawn(story.note_and_stop(routine()))
    story.reactor.later(0, lambda: story.reactor.resume(task, "the person"))
    assert story.run() == [("the person", "next")]


def test_a_race_that_answers_nothing_leaves_it_parked() -> None:
    story = Story()

    def routine() -> Waits:
        return (yield Park(lambda: None))

    task = story.reactor.spawn(story.note_and_stop(routine()))
    story.reactor.later(0.02, lambda: story.reactor.resume(task, "the person"))
    assert story.run() == ["the person"]


def test_a_cancelled_routine_cleans_up_and_hears_nothing_more() -> None:
    story = Story()

    def routine() -> Waits:
        try:
            yield Pause(0)
            story.seen.append("went on")
        finally:
            story.seen.append("cleaned up")

    task: Task = story.reactor.spawn(routine())
    story.reactor.cancel(task)
    story.reactor.resume(task, None)
    story.reactor.later(0.02, lambda: story.reactor.stop(0))
    assert story.run() == ["cleaned up"]


def test_input_and_signals_are_heard() -> None:
    story = Story()
    before = signal.getsignal(signal.SIGUSR1)
    story.reactor.on_signal(signal.SIGUSR1, lambda: story.reactor.stop(0))
    os.write(story.write_end, b"x")

    def on_input() -> None:
        story.seen.append(os.read(story.read_end, 1))
        os.kill(os.getpid(), signal.SIGUSR1)

    try:
        assert story.run(on_input) == [b"x"]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_routine_that_breaks_is_heard_of() -> None:
    story = Story()

    def routine() -> Waits:
        yield Pause(0)
        raise RuntimeError("a bug")

    story.reactor.spawn(story.note_and_stop(routine()))
    with pytest.raises(RuntimeError, match="a bug"):
        story.run()
