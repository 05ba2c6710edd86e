"""Go on injecting what waits."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
examples:
  ccmux resume
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Ask for it."""
    from ccmux.cli.place import find_place

    with find_place(arguments).control() as control:
        control.ask("resume")
    print("injecting again")
    return 0
