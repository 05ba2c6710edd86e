"""Try another Claude Code in a house of its own, and say whether it is safe to upgrade to it.

It types every kind of text into it, lets it ask for permission, kills and resumes it, some minutes long, in a
temporary folder, with a scripted model on loopback and no login. Your session and project are left alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccmux.place import Place
    from ccmux.trial.run import Result
    from ccmux.trial.verdict import Versions

EXAMPLES = """\
examples:
  ccmux upgrade-check                       the newest, fetched with npm into a folder of ccmux's own
  ccmux upgrade-check 2.1.330               this one
  ccmux upgrade-check --claude ~/bin/claude one that is here already
  ccmux upgrade-check --json | jq .safe

exit codes: 0 safe, 1 not safe or nothing to try, 2 usage
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What was tried, and what became of it; `control` has the failed cases on the one in use."""

    versions: Versions
    program: str
    in_use: str
    results: Sequence[Result]
    control: Sequence[Result]

    @property
    def verdict(self) -> str:
        from ccmux.trial.verdict import sentence

        fails = {result.name for result in self.control if not result.passed}
        return sentence(self.results, self.versions, fails_in_use=fails)


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

    place = find_place(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # what a Ctrl-C takes down, they do, too
        signal.signal(number, _interrupted)
    with ExitStack() as held:
        trial = _try(place, arguments, held)
    print(as_json(_as_object(trial)) if arguments.json else _told(trial))
    return 0 if is_safe(trial.results) else 1


def _try(place: Place, arguments: Namespace, held: ExitStack) -> _Trial:
    from ccmux.core.claude_version import TESTED
    from ccmux.core.errors import NothingToTry
    from ccmux.trial.cases import CASES
    from ccmux.trial.program import version_of
    from ccmux.trial.run import run as run_cases
    from ccmux.trial.verdict import Versions

    program = _named(arguments.claude) if arguments.claude else _fetched(place, arguments.version, held)
    tried = version_of([program], inherited=os.environ)
    if not tried:
        says = f"{program} says no version when asked with --version"
        raise NothingToTry(says, "name the program of a Claude Code")
    in_use = _in_use(place)
    versions = Versions(
        tried=tried, in_use=version_of(in_use, inherited=os.environ) if in_use else "", tested=TESTED
    )
    cases = [case for case in CASES if arguments.only in case.name]
    _say(f"trying Claude Code {tried}: {len(cases)} cases")
    results = run_cases(cases, command=[program], inherited=os.environ, on_result=_counted(len(cases)))
    failed = {result.name for result in results if not result.passed}
    control: Sequence[Result] = ()
    if failed and versions.in_use not in {"", tried}:
        _say(f"trying {versions.in_use}, the one in use: {len(failed)} cases that failed")
        again = [case for case in cases if case.name in failed]
        control = run_cases(again, command=in_use, inherited=os.environ, on_result=_counted(len(again)))
    return _Trial(
        versions=versions,
        program=program,
        in_use=in_use[0] if in_use else "",
        results=results,
        control=control,
    )


def _named(path: str) -> str:
    from ccmux.core.errors import NothingToTry

    found = shutil.which(Path(path).expanduser())
    if found is None:
        raise NothingToTry(f"{path} is no program", "name the program of a Claude Code")
    return str(Path(found).absolute())


def _fetched(place: Place, wanted: str, held: ExitStack) -> str:
    from ccmux.drivers.npm import ClaudePackages
    from ccmux.drivers.state_dir import make_private

    folder = place.paths.tried_claude
    make_private(folder)
    packages = ClaudePackages(folder, environment=os.environ)
    held.enter_context(packages.held())
    version = packages.version(wanted)
    _say(f"installing Claude Code {version} into {folder}")
    return str(packages.install(version))


def _in_use(place: Place) -> list[str]:
    """Return the command ccmux starts here, its program absolute; [] where there is no such program."""
    claude = place.settings.claude
    program = shutil.which(claude.command[0], path=claude.env.get("PATH", os.environ.get("PATH")))
    return [str(Path(program).absolute()), *claude.command[1:]] if program else []


def _counted(cases: int) -> Callable[[Result], None]:
    done = 0

    def on_result(result: Result) -> None:
        nonlocal done
        done += 1
        _say(f"{done:2}/{cases} {_line(result)}")

    return on_result


def _line(result: Result) -> str:
    return f"{'ok    ' if result.passed else 'FAILED'}  {result.name:48} {result.took_s:5.1f} s"


def _told(trial: _Trial) -> str:
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


def _as_object(trial: _Trial) -> dict[str, Any]:
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
