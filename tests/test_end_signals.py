"""A program of ours ends in order however it is told to, and under nohup it outlives its terminal."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PROGRAM = """
import asyncio, signal
from ccmux.end_signals import when_told_to_end

async def live():
    told = asyncio.Event()
    when_told_to_end(told.set)
    print("deaf" if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else "ready", flush=True)
    await told.wait()
    print("in order")

asyncio.run(live())
"""
HEARS = ("env", "--default-signal=HUP")
"""Before a program that is to hear SIGHUP, also where the tests themselves run under nohup."""


@contextmanager
def started(*by: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the program; gives it and its first word."""
    with subprocess.Popen([*by, sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield program, program.stdout.readline().strip()
        assert program.stdout.read() == "in order\n"
    assert program.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_each_of_them_ends_it_in_order(number: signal.Signals) -> None:
    with started(*HEARS) as (program, word):
        assert word == "ready"
        program.send_signal(number)


def test_under_nohup_a_terminal_that_closes_is_not_heard() -> None:
    with started("nohup") as (program, word):
        assert word == "deaf"
        program.send_signal(signal.SIGTERM)
