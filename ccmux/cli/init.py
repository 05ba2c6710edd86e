"""Write a first ccmux.toml into this folder: every key with its meaning and default. Never overwrites."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

EXAMPLES = """\
examples:
  ccmux init             then edit ccmux.toml, then start: ccmux
  ccmux -C ~/app init    for another folder
"""

_QUESTION = "May Claude Code trust this folder ({folder}) without asking? [y/N] "


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Write the file, 0600: a proxy's password may come to stand in it."""
    from ccmux.cli.place import FILE_NAME, enter
    from ccmux.core.settings import ClaudeSettings, ProjectSettings, Settings, project_name
    from ccmux.core.settings_text import FIRST_TIMERS, settings_text

    # A new file is made in a folder, whatever settings file is meant elsewhere.
    arguments.config, arguments.folder = None, arguments.folder or "."
    enter(arguments)
    path = Path.cwd() / FILE_NAME
    if path.exists() or path.is_symlink():
        return _is_there(path)
    settings = Settings(
        project=ProjectSettings(name=project_name(Settings(), path.parent.name)),
        claude=ClaudeSettings(trust_folder=_may_be_trusted(path.parent)),
        timers=FIRST_TIMERS,
    )
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(settings_text(settings))
    except FileExistsError:
        return _is_there(path)
    except OSError as error:
        sys.stderr.write(f"ccmux: {path} cannot be written: {error.strerror}\n")
        return 1
    print(path)
    sys.stderr.write("edit it if you like, then start: ccmux\n")
    return 0


def _is_there(path: Path) -> int:
    sys.stderr.write(f"ccmux: {path} is there already and was left alone; remove it for a new one\n")
    return 1


def _may_be_trusted(folder: Path) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(_QUESTION.format(folder=folder))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
