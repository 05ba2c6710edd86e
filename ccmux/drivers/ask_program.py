"""Asks a program one question and waits no longer than a limit. Blocking; it judges no answer."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

_LEAVE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program said.

    Attributes:
        exit_code: Negative: the number of the signal that ended it. None: there is no answer.
        out: Its standard output.
        err: Its standard error; where there is no answer, why not.

    """

    exit_code: int | None
    out: str = ""
    err: str = ""

    @property
    def failure(self) -> str:
        """Why it did not do what it was asked, in its last words; "" where it did."""
        if self.exit_code == 0:
            return ""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else f"exit code {self.exit_code}"


def ask_program(argv: Sequence[str], *, environment: Mapping[str, str], limit_s: float) -> Answer:
    """Run a program without input and return what it said; what it started ends with it at the limit.

    A child that made itself a session of its own goes on, and is not waited for.
    """
    try:
        with subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                # What left that group may hold the pipes for ever.
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=_LEAVE_S)
                return Answer(exit_code=None, err=f"no answer within {limit_s:g} s")
            return Answer(exit_code=process.returncode, out=out, err=err)
    except OSError as error:
        return Answer(exit_code=None, err=error.strerror or str(error))


__all__ = ["Answer", "ask_program"]
