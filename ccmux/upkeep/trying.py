"""Tries another Claude Code for a place, on its own and, where it fails, against the one in use.

It prints nothing and judges no case; the place's session, project and settings are left alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccmux.core.claude_version import TESTED
from ccmux.core.errors import NothingToTry
from ccmux.drivers.npm import ClaudePackages
from ccmux.drivers.state_dir import make_private
from ccmux.place import Place
from ccmux.trial.cases import CASES, Case
from ccmux.trial.program import version_of
from ccmux.trial.run import Result
from ccmux.trial.run import run as run_cases
from ccmux.trial.verdict import Versions, sentence

_A_CLAUDE = "name the program of a Claude Code"

Say = Callable[[str], None]
"""Told what is done next."""
Heard = Callable[[int, int, Result], None]
"""Told each result as it comes: which one it is, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was tried, and what became of it.

    Attributes:
        versions: Which ones.
        program: The one that was tried; absolute.
        in_use: The one that ccmux starts in this place; "" where there is none.
        results: One a case.
        control: The failed cases once more, on the one in use.

    """

    versions: Versions
    program: str
    in_use: str
    results: Sequence[Result]
    control: Sequence[Result]

    @property
    def verdict(self) -> str:
        """What it means for an upgrade, in one sentence."""
        fails = {result.name for result in self.control if not result.passed}
        return sentence(self.results, self.versions, fails_in_use=fails)


def named(path: str) -> str:
    """Return the absolute path of a program that somebody named.

    Raises:
        NothingToTry: It is none.

    """
    found = shutil.which(Path(path).expanduser())
    if found is None:
        raise NothingToTry(f"{path} is no program", _A_CLAUDE)
    return str(Path(found).absolute())


@contextmanager
def fetched(place: Place, wanted: str, *, environment: Mapping[str, str], say: Say) -> Iterator[str]:
    """Bring a version, or what a tag means, from npm; until the end nobody puts another one in its place.

    Raises:
        NothingToTry: npm could not, or another one is at it.

    """
    folder = place.paths.tried_claude
    make_private(folder)
    packages = ClaudePackages(folder, environment=environment)
    with packages.held():
        say(f"asking npm for Claude Code {wanted}")
        version = packages.version(wanted)
        say(f"installing Claude Code {version} into {folder}")
        yield str(packages.install(version))


def try_program(
    place: Place, program: str, *, environment: Mapping[str, str], only: str = "", say: Say, heard: Heard
) -> Trial:
    """Try every case with `only` in its name on this program; what fails, on the one in use as well.

    Raises:
        NothingToTry: It is no Claude Code, or no case has such a name.

    """
    cases = [case for case in CASES if only in case.name]
    if not cases:
        raise NothingToTry(f"no case has {only!r} in its name", f"one is {CASES[0].name!r}")
    tried = version_of([program], inherited=environment)
    if not tried:
        raise NothingToTry(f"{program} says no version when asked with --version", _A_CLAUDE)
    in_use = _in_use(place, environment)
    current = version_of(in_use, inherited=environment) if in_use else ""

    def run(chosen: Sequence[Case], command: Sequence[str]) -> list[Result]:
        done = 0

        def on_result(result: Result) -> None:
            nonlocal done
            done += 1
            heard(done, len(chosen), result)

        return run_cases(chosen, command=command, inherited=environment, on_result=on_result)

    say(f"trying Claude Code {tried}: {len(cases)} cases")
    results = run(cases, [program])
    failed = {result.name for result in results if not result.passed}
    control: Sequence[Result] = ()
    if failed and current not in {"", tried}:
        say(f"trying {current}, the one in use: {len(failed)} cases that failed")
        control = run([case for case in cases if case.name in failed], in_use)
    return Trial(
        versions=Versions(tried=tried, in_use=current, tested=TESTED),
        program=program,
        in_use=in_use[0] if in_use else "",
        results=results,
        control=control,
    )


def _in_use(place: Place, environment: Mapping[str, str]) -> list[str]:
    """Return the command ccmux starts here, its program absolute; [] where there is no such program."""
    claude = place.settings.claude
    program = shutil.which(
        claude.command[0], path=claude.env.get("PATH", environment.get("PATH", os.defpath))
    )
    return [str(Path(program).absolute()), *claude.command[1:]] if program else []
