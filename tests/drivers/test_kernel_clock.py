"""The kernel's word on the clock is read where it gives one."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from ccmux.drivers.kernel_clock import synchronised


class Kernel:
    """A libc whose adjtimex(2) says this."""

    def __init__(self, state: int, maxerror_us: int) -> None:
        self._state, self._maxerror_us = state, maxerror_us

    def adjtimex(self, timex: Any) -> int:
        timex._obj.maxerror = self._maxerror_us
        return self._state


def test_this_machines_kernel_answers_without_being_changed() -> None:
    assert synchronised() in {True, False}


@pytest.mark.parametrize(
    ("state", "maxerror_us", "answer"), [(0, 500, True), (5, 16_000_000, False), (-1, 0, None)]
)
def test_its_words(
    monkeypatch: pytest.MonkeyPatch, state: int, maxerror_us: int, answer: bool | None
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel(state, maxerror_us))
    assert synchronised() is answer


def test_a_system_without_the_call_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert synchronised() is None
