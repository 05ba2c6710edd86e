"""Try another Claude Code in a house of its own, and say whether it is safe to upgrade to it.

It types every kind of text into it, lets it ask for permission, kills and resumes it, some minutes long, in a
temporary folder, with a scripted model on loopback and no login. Your session and project are left alone.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from contextlib import nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccmux.trial.run import Result
    from ccmux.upkeep.trying import Trial

EXAMPLES = """\
examples:
  ccmux upgrade-check                       the newest, fetched with npm into a folder of ccmux's own
  ccmux upgrade-check 2.1.330               this one
  ccmux upgrade-check --claude ~/bin/claude one that is here already
  ccmux upgrade-check --json | jq .safe

exit codes: 0 safe, 1 not safe or nothing to try, 2 usage
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say which one."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("version", nargs="?", default="latest", help="a version or a tag of npm's: latest")
    which.add_argument("--claude", metavar="PATH", help="a program that is here already")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--only", default="", help=SUPPRESS)  # for tests: cases with this in their names


def run(arguments: Namespace) -> int:
    """Find it, try it, and print."""
    from ccmux.cli.place import find_place
    from ccmux.cli.say import as_json
    from ccmux.trial.verdict import is_safe
    from ccmux.upkeep.trying import fetched, named, try_program

    place = find_place(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # what a Ctrl-C takes down, they do, too
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupted)
    program = (
        nullcontext(named(arguments.claude))
        if arguments.claude
        else fetched(place, arguments.version, environment=os.environ, say=_say)
    )
    with program as path:
        trial = try_program(
            place, path, environment=os.environ, only=arguments.only, say=_say, heard=_say_result
        )
    print(as_json(_as_object(trial)) if arguments.json else _told(trial))
    return 0 if is_safe(trial.results) else 1


def _say_result(number: int, count: int, result: Result) -> None:
    _say(f"{number:2}/{count} {_line(result)}")


def _line(result: Result) -> str:
    return f"{'ok    ' if result.passed else 'FAILED'}  {result.name:48} {result.took_s:5.1f} s"


def _told(trial: Trial) -> str:
    from ccmux.cli.say import printable

    versions = trial.versions
    beside = f"in use: {versions.in_use} ({trial.in_use})" if versions.in_use else "none is in use"
    lines = [
        f"tried: {versions.tried} ({trial.program})",
        f"{beside}; ccmux was tested with {versions.tested}",
        "",
    ]
    also = {result.name: "passes" if result.passed else "fails as well" for result in trial.control}
    for result in trial.results:
        lines.append(_line(result))
        lines += [f"        {line}" for line in result.says.splitlines()]
        lines += [f"        ({versions.in_use} {also[result.name]})"] if result.name in also else []
        lines += [f"        | {row}" for row in result.screen.splitlines()]
    return printable("\n".join([*lines, "", trial.verdict]), keep="\n")


def _as_object(trial: Trial) -> dict[str, Any]:
    from ccmux.trial.verdict import is_safe

    fine_in_use = {result.name: result.passed for result in trial.control}
    return {
        "safe": is_safe(trial.results),
        "verdict": trial.verdict,
        "tried": {"version": trial.versions.tried, "path": trial.program},
        "in_use": {"version": trial.versions.in_use, "path": trial.in_use},
        "tested": trial.versions.tested,
        "cases": [
            {
                "name": result.name,
                "passed": result.passed,
                "says": result.says,
                "screen": result.screen,
                "took_s": round(result.took_s, 1),
                "passed_in_use": fine_in_use.get(result.name),
            }
            for result in trial.results
        ],
    }


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
