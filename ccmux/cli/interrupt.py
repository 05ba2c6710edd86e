"""Press Escape in a Claude that is at work. The only command that does."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
examples:
  ccmux interrupt   as Escape in the session, without attaching
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Ask for it."""
    from ccmux.cli.place import find_place

    with find_place(arguments).control() as control:
        control.ask("interrupt")
    print("Escape was pressed")
    return 0
