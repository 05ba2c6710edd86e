"""Gathers what a deployment is made from: the project's settings, the programs they name, and where all lies.

It changes nothing. What would not work is told all at once, each with its place in the settings.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ccmux
from ccmux.core.deployment import Plan, owners, plan
from ccmux.core.errors import SecretUnsafe, ServiceManagerFailed, SettingsInvalid
from ccmux.core.programs import (
    Grounds,
    Lies,
    NoProgram,
    kept_path,
    passes,
    path_of,
    resolve,
    unit_path,
)
from ccmux.core.settings import Settings
from ccmux.core.units import DAEMON, Deployment, calendars, render
from ccmux.drivers.settings_file import read_what_fits
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.unit_files import UnitFiles
from ccmux.paths import DATA_VARIABLE, SECRETS_VARIABLE, find_live_api_key, read_secret
from ccmux.place import Place, last_good_place

_HANDED_ON = (DATA_VARIABLE, SECRETS_VARIABLE, "CLAUDE_CONFIG_DIR", "TMUX_TMPDIR")
"""Variables that say where things lie: the daemon must see them as who deploys does."""

_SELFCHECK = "scripts/startup_selfcheck.py"

_CLAUDES = (".local/bin", ".claude/local")
"""Below the home: where Claude Code's own installers put it, on the PATH or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A deployment that could be.

    Attributes:
        config: The settings file; units name it as their owner.
        settings: All of them that can be.
        rendered: The units' texts by name; where there are problems, to judge further and not to be used.
        problems: Why it must not be, each a sentence; empty where it may.
        warnings: What a person should know.

    """

    config: Path
    settings: Settings
    rendered: Mapping[str, str]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def gather(
    place: Place, environment: Mapping[str, str], manager: UserManager, existing: Mapping[str, str]
) -> Gathered:
    """Return what would be deployed of this place, for who has this environment, in the folder we are in.

    Args:
        place: The project's; with good settings, or with those that were good before.
        environment: Of who deploys.
        manager: Judges calendars; it need not be reachable.
        existing: The unit files that are there.

    Raises:
        SettingsInvalid: There is no settings file, and never was.
        ServiceManagerFailed: systemd's tools are not there.

    """
    if not place.has_settings:
        raise SettingsInvalid(str(place.config), ["there is no such file; write one: ccmux init"])
    return _gathered(place.config, place.settings, [], environment, manager, existing)


def gather_all_problems(
    config: Path, environment: Mapping[str, str], manager: UserManager, existing: Mapping[str, str]
) -> Gathered:
    """Return what would be deployed from this file; what is wrong in it stands first among the problems.

    Raises:
        SettingsInvalid: There is no such file, or none that can be read; or with all that is wrong in it, and
            no more, where systemd's tools are not there.
        ServiceManagerFailed: systemd's tools are not there.

    """
    gone = None if config.exists() else last_good_place(config, environment).trouble
    if gone is not None:
        # Another one, written anew, would take every timer and adapter away.
        says = f"there is no such file; what it said last is kept, to bring it back: {gone.bring_back}"
        raise SettingsInvalid(str(config), [says])
    settings, wrong = read_what_fits(config)
    try:
        return _gathered(config, settings, wrong, environment, manager, existing)
    except ServiceManagerFailed as error:
        if wrong:
            raise SettingsInvalid(str(config), wrong) from error
        raise


def _gathered(
    config: Path,
    settings: Settings,
    wrong: Sequence[str],
    environment: Mapping[str, str],
    manager: UserManager,
    existing: Mapping[str, str],
) -> Gathered:
    """Return what would be deployed; `wrong` is what `settings` lack of what the file says."""
    problems = list(wrong)
    for where, expression in calendars(settings):
        if problem := manager.calendar_problem(expression):
            problems.append(f"{where}: {problem}")

    programs = {name: _own_program(name) for name in ("ccmux", "ccmux-deploy", "ccmux-relay")}
    problems += [f"there is no {name} beside {sys.executable}" for name, path in programs.items() if not path]
    grounds = Grounds(
        home=str(Path.home()),
        project=str(config.parent),
        checkout=str(own_folder()),
        own_programs=str(Path(programs["ccmux"]).parent),
        own_python=_own_python(),
        path=tuple(_search_path(environment)),
    )
    execs: dict[str, tuple[str, ...]] = {}
    for where, name, words in _commands(settings):
        found = resolve(words, grounds, _look)
        if isinstance(found, NoProgram):
            problems.append(f"{where}: {found.says}")
        execs[name] = words if isinstance(found, NoProgram) else found

    problems += _relay_problems(settings, environment)
    claude = _find_claude(settings.claude.command[0], environment)
    warnings = [] if claude else [_no_claude(settings.claude.command[0])]
    needed = [_lasting_folder(found) for found in (claude, _find("node", environment)) if found]
    rendered = render(
        settings,
        Deployment(
            project_dir=Path.cwd(),
            config=config,
            home=Path.home(),
            programs=programs,
            path=kept_path(
                unit_path(needed, environment.get("PATH", "")),
                path_of(existing.get(DAEMON, "")),
            ),
            environment={
                name: str(Path(value).expanduser().absolute())
                for name in _HANDED_ON
                if (value := environment.get(name))
            },
            execs=execs,
            systemd=manager.version(),
        ),
    )
    return Gathered(
        config=config,
        settings=settings,
        rendered=rendered,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def plan_for(gathered: Gathered, existing: Mapping[str, str]) -> Plan:
    """Return what is to be done; the units of a project that is no more are taken over."""
    gone = [owner for owner in owners(existing) if not Path(owner).exists()]
    return plan(existing, gathered.rendered, config=str(gathered.config), gone=gone)


def unread(manager: UserManager, files: UnitFiles) -> str:
    """Return "" where the manager reads the folder we write to, else a sentence."""
    read = manager.unit_path()
    if any(Path(folder).resolve() == files.folder.resolve() for folder in read):
        return ""
    return (
        f"the user manager does not read {files.folder}: XDG_CONFIG_HOME or HOME is another here "
        "than where you log in"
    )


def _commands(settings: Settings) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return (place in the settings, unit, words) of all that is to be started."""
    timers = [
        (f"[timers.{name}] exec", f"ccmux-{name}", timer.exec)
        for name, timer in settings.timers.items()
        if timer.exec
    ]
    adapters = [
        (f"[adapters.{name}] exec", f"ccmux-{name}", adapter.exec or (f"ccmux-{name}",))
        for name, adapter in settings.adapters.items()
    ]
    return timers + adapters


def _relay_problems(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Return why the relay would not start: its key, which it reads itself."""
    if not settings.relay.enabled:
        return []
    path = find_live_api_key(environment)
    try:
        if read_secret(path) is not None:
            return []
    except (SecretUnsafe, OSError) as error:
        return [f"[relay] enabled: {error}"]
    return [f"[relay] enabled: there is no key in {path}; ccmux-relay --help says how to make one"]


def _own_program(name: str) -> str:
    """Return the path of a program of ccmux's that belongs to us, "" where there is none."""
    # Whichever program of ours asks, the answer is the same: units are compared with what would be rendered.
    folders = [
        Path(sys.executable).parent,
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))),
        Path(sys.argv[0]).absolute().parent,
    ]
    return next((str(path) for folder in folders if _look(str(path := folder / name)) is Lies.PROGRAM), "")


def own_folder() -> Path:
    """Return the folder that our scripts are in: the checkout, or where pip has put them."""
    checkout = Path(ccmux.__file__).resolve().parents[1]
    schemes = (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    installed = (Path(sysconfig.get_path("data", scheme)) / "share/ccmux" for scheme in schemes)
    found = (folder for folder in (checkout, *installed) if (folder / _SELFCHECK).is_file())
    return next(found, checkout)


def _own_python() -> str:
    """Return the Python we run with by one name, whatever name it was started by."""
    lasting = Path(sys.executable).with_name("python3")
    return str(lasting) if lasting.exists() else sys.executable


def _look(path: str) -> Lies:
    if os.path.isdir(path):  # noqa: PTH112 - most of these are strings that lead nowhere
        return Lies.FOLDER
    if not os.path.isfile(path):  # noqa: PTH113
        return Lies.NOTHING
    return Lies.PROGRAM if os.access(path, os.X_OK) else Lies.FILE


def _search_path(environment: Mapping[str, str]) -> list[str]:
    return unit_path([], environment.get("PATH", "")).split(":")


def _find(name: str, environment: Mapping[str, str], *more: Path) -> str | None:
    """Return a program's path; on the PATH also folders that pass, as some version managers put there."""
    folders = [*environment.get("PATH", "").split(":"), *_search_path({}), *map(str, more)]
    return shutil.which(name, path=":".join(folder for folder in folders if folder.startswith("/")))


def _find_claude(command: str, environment: Mapping[str, str]) -> str | None:
    return _find(command, environment, *(Path.home() / folder for folder in _CLAUDES))


def _lasting_folder(program: str) -> str:
    """Return the folder a program is in; the one behind it where that is gone after a reboot."""
    folder = str(Path(program).parent)
    return str(Path(folder).resolve()) if passes(folder) else folder


def _no_claude(command: str) -> str:
    return (
        f"'{command}' was not found: npm install -g @anthropic-ai/claude-code brings it; then deploy again, "
        "so that the units' PATH leads to it"
    )
