"""The demo agent's loop: one thread, routines that wait for time, for work in a thread, or for an answer.

A routine is a generator; it yields what it waits for and gets the outcome sent back. Cancelling closes it,
and what it waited for is forgotten.
"""

from __future__ import annotations

import heapq
import os
import queue
import selectors
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Wait for a blocking call, made in a thread of its own; its result is sent back."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Park:
    """Wait for `Reactor.resume`; if `race` returns something first, for that."""

    race: Callable[[], Any] | None = None


Routine = Generator[Pause | Work | Park, Any, Any]


class Task:
    """A running routine."""

    def __init__(self, routine: Routine) -> None:
        self.routine = routine
        self.wait = 0
        self.over = False


class Reactor:
    """Runs routines, timers, signals and one input until `stop`."""

    def __init__(self) -> None:
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._exit_code: int | None = None
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self.current: Task | None = None

    def close(self) -> None:
        """Give the file descriptors back; nothing may be running any more."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def spawn(self, routine: Routine) -> Task:
        """Start a routine: it runs to its first wait before this returns."""
        task = Task(routine)
        self._step(task, None)
        return task

    def resume(self, task: Task, value: object) -> None:
        """Send the answer that a parked routine waits for."""
        self._step(task, value)

    def cancel(self, task: Task) -> None:
        """Close a routine; it must not be the running one."""
        task.over = True
        task.wait += 1
        task.routine.close()

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back in the loop after `seconds`."""
        self._timer_count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._timer_count, callback))

    def on_signal(self, number: signal.Signals, callback: Callable[[], None]) -> None:
        """Call back in the loop when a signal arrives."""
        signal.signal(number, lambda *_: self._post(callback))

    def stop(self, exit_code: int) -> None:
        """End `run`."""
        if self._exit_code is None:
            self._exit_code = exit_code

    def run(self, fd: int, on_input: Callable[[], None], after_each: Callable[[], None]) -> int:
        """Run until stopped and return the exit code; `after_each` is called after every batch of events."""
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while self._exit_code is None:
                after_each()
                for key, _ in selector.select(self._wait_s()):
                    if key.fd == fd:
                        on_input()
                    else:
                        os.read(self._wake_read, 4096)
                for callback in self._due():
                    callback()
        return self._exit_code

    def _due(self) -> Iterator[Callable[[], None]]:
        while not self._posted.empty():
            yield self._posted.get()
        while self._timers and self._timers[0][0] <= time.monotonic():
            yield heapq.heappop(self._timers)[2]

    def _wait_s(self) -> float | None:
        if not self._posted.empty():
            return 0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _post(self, callback: Callable[[], None]) -> None:
        self._posted.put(callback)
        with suppress(BlockingIOError):  # the pipe is full of wake-ups already
            os.write(self._wake_write, b"!")

    def _step(self, task: Task, value: object) -> None:
        if task.over:
            return
        task.wait += 1
        before, self.current = self.current, task
        try:
            wanted = task.routine.send(value)
        except StopIteration:
            task.over = True
            return
        finally:
            self.current = before
        wait = task.wait
        match wanted:
            case Pause(seconds):
                self.later(seconds, lambda: self._arrived(task, wait, None))
            case Work(call):
                self._in_thread(call, lambda result: self._arrived(task, wait, result))
            case Park(race) if race is not None:
                self._in_thread(
                    race, lambda result: None if result is None else self._arrived(task, wait, result)
                )
            case _:
                pass

    def _arrived(self, task: Task, wait: int, value: object) -> None:
        if task.wait == wait:
            self._step(task, value)

    def _in_thread(self, call: Callable[[], Any], then: Callable[[Any], None]) -> None:
        def run() -> None:
            result = call()
            self._post(lambda: then(result))

        threading.Thread(target=run, daemon=True).start()
