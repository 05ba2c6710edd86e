"""Asks a program one question and waits no longer than a limit. Blocking; it judges no answer."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_LEAVE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program said.

    Attributes:
        exit_code: Negative: the number of the signal that ended it. None: there is no answer.
        out: Its standard output, as text; what is no UTF-8 in it is replaced.
        raw: The same, as it came.
        err: Its standard error; where there is no answer, why not.
        is_missing: There is no answer because there is no such program.

    """

    exit_code: int | None
    out: str = ""
    raw: bytes = b""
    err: str = ""
    is_missing: bool = False

    @property
    def failure(self) -> str:
        """Why it did not do what it was asked, in its last words; "" where it did."""
        if self.exit_code == 0:
            return ""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else f"exit code {self.exit_code}"


def ask_program(
    argv: Sequence[str],
    *,
    limit_s: float,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    umask: int = -1,
) -> Answer:
    """Run a program and return what it said; what it started ends with it at the limit.

    The same where we are cut meanwhile (KeyboardInterrupt). A child that made itself a session of its own
    goes on, and is not waited for.

    Args:
        argv: The program and its words.
        limit_s: So long it may take.
        given: Its standard input; where it reads less, that is its business.
        environment: None: our own.
        cwd: None: our own.
        umask: What the files it makes are closed for; -1: our own.

    """
    stdin = subprocess.PIPE if given else subprocess.DEVNULL
    start = partial(_start, argv, stdin, environment=environment, cwd=cwd, umask=umask)
    try:
        return _answer(start, given, limit_s)
    except subprocess.TimeoutExpired:
        return Answer(exit_code=None, err=f"no answer within {limit_s:g} s")
    except OSError as error:
        why = error.strerror or str(error)
        return Answer(exit_code=None, err=why, is_missing=isinstance(error, FileNotFoundError))


def _start(
    argv: Sequence[str], stdin: int, *, environment: Mapping[str, str] | None, cwd: Path | None, umask: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        umask=umask,
    )


def _answer(start: Callable[[], subprocess.Popen[bytes]], given: bytes, limit_s: float) -> Answer:
    with ThreadPoolExecutor(1) as pool:
        # A signal cuts only the main thread: so a process that was started is always known.
        starting = pool.submit(start)
        try:
            process = starting.result()
            out, err = process.communicate(given or None, timeout=limit_s)
        except BaseException:
            if starting.exception() is None:
                _end(starting.result())
            raise
    return Answer(
        exit_code=process.returncode,
        out=out.decode(errors="replace"),
        raw=out,
        err=err.decode(errors="replace"),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # What left that group may hold the pipes for ever.
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_LEAVE_S)


__all__ = ["Answer", "ask_program"]
