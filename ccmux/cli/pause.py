"""Hold injection: messages queue up on disk until resume, over restarts too."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
examples:
  ccmux pause      before you work in the session yourself
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Ask for it."""
    from ccmux.cli.place import find_place

    with find_place(arguments).control() as control:
        control.ask("pause")
    print("paused; go on with: ccmux resume")
    return 0
