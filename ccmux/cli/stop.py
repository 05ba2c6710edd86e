"""End the daemon; Claude goes on without it. With --all nothing of the project goes on.

Where systemd runs the daemon it is stopped there, and starts again by itself only with the next login or
boot; `ccmux-deploy remove` ends that too. No message is lost: what waits in the queue stays there, and what
is in the pipes is taken. With --all Claude's turn is cut, if it is in one; the next start goes on with it.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

EXAMPLES = """\
examples:
  ccmux stop           messages wait for the next start, which it names
  ccmux stop --all     the daemon, timers and adapters, the input's keeper, Claude and its tmux session
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say how much is to end."""
    parser.add_argument(
        "--all", action="store_true", help="also Claude, timers, adapters and the input's keeper"
    )


def run(arguments: Namespace) -> int:
    """End it and say what ended."""
    import asyncio

    from ccmux.app.ending import Project, end
    from ccmux.cli.place import find_place
    from ccmux.upkeep.patient import Patient

    place = find_place(arguments)
    patient = Patient(place.config, os.environ)
    starting = patient.starting
    project = Project(
        settings=place.settings,
        paths=place.paths,
        config=place.config,
        claude_pid=patient.claude_pid,
    )
    if asyncio.run(end(project, os.environ, everything=arguments.all, say=_say)):
        _say(f"start again: {starting.again}")
    return 0


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
