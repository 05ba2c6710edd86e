"""Runs cases, several at a time, each in a house and a temporary folder of its own; leaves nothing behind."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ccmux.core.errors import CcmuxError
from ccmux.trial.cases import Case
from ccmux.trial.stand import Stand
from ccmux.trial.waiting import Abandoned, NotSo

HOUSES = 4
"""So many at a time: on two processors most of a house's time is waiting."""

_LONGEST_FOLDER = 60
"""Sockets lie below it, and their names may have 108 bytes."""
_SHOWN_ROWS = 12
_SAME = re.compile(r"([ ─╌])\1{3,}")
_UNTRIED = "not tried: the first case failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a case.

    Attributes:
        says: The fact that speaks against it, "" where it passed.
        screen: What then stood on Claude's screen, its last lines.
        took_s: Seconds, its house built and taken down.

    """

    name: str
    passed: bool
    says: str = ""
    screen: str = ""
    took_s: float


def run(
    cases: Sequence[Case],
    *,
    command: Sequence[str],
    inherited: Mapping[str, str],
    on_result: Callable[[Result], None],
) -> list[Result]:
    """Try all cases on the Claude that `command` starts; return what became of each, in the cases' order.

    Where this is cut (KeyboardInterrupt), every house is taken down first.

    Args:
        cases: Where the first one fails, the others are not tried: they need what it needs.
        command: The program and what always stands behind it.
        inherited: The environment we were started with; see `scratch_home`.
        on_result: Called with each result as it comes.

    """
    if not cases:
        return []
    abandoned = threading.Event()
    pool = ThreadPoolExecutor(HOUSES, thread_name_prefix="house")
    try:
        first, *others = cases
        tell = partial(_try, command=command, inherited=inherited, abandoned=abandoned)
        began = pool.submit(tell, first).result()
        on_result(began)
        if not began.passed:
            return [
                began,
                *(Result(name=case.name, passed=False, says=_UNTRIED, took_s=0) for case in others),
            ]
        running = [pool.submit(tell, case) for case in others]
        for done in as_completed(running):
            on_result(done.result())
        return [began, *(done.result() for done in running)]
    finally:
        abandoned.set()
        pool.shutdown(cancel_futures=True)


def _try(
    case: Case, *, command: Sequence[str], inherited: Mapping[str, str], abandoned: threading.Event
) -> Result:
    began_s = time.monotonic()
    says = screen = ""
    folder = Path(tempfile.mkdtemp(prefix="ccmux-trial-", dir=_short_folder()))
    stand = Stand(folder, command=command, inherited=inherited, args=case.args, abandoned=abandoned)
    try:
        with stand:
            try:
                case.story(stand)
            except Abandoned:
                raise
            except Exception as error:  # whatever a story meets on an unknown Claude speaks against that one
                says = str(error) if isinstance(error, NotSo | CcmuxError) else f"{error!r}"
                screen = _last_rows(stand)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if abandoned.is_set():
        raise Abandoned
    took_s = time.monotonic() - began_s
    return Result(name=case.name, passed=not says, says=says, screen=screen, took_s=took_s)


def _short_folder() -> str:
    found = tempfile.gettempdir()
    return found if len(found) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - a folder of our own is made in it


def _last_rows(stand: Stand) -> str:
    with suppress(NotSo):
        rows = [_SAME.sub(r"\1\1\1", row.rstrip()) for row in stand.screen().splitlines() if row.strip()]
        return "\n".join(rows[-_SHOWN_ROWS:])
    return ""
