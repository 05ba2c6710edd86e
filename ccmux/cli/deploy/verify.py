"""Tell of every unit, and of all they need, whether it works, and what mends it; exit 1 where one is bad."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from shutil import get_terminal_size

EXAMPLES = """\
examples:
  ccmux-deploy verify
  ccmux-deploy verify --json | jq '.findings[] | select(.verdict == "bad")'
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say in which form."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Look, judge and print."""
    from ccmux.cli.findings import as_object, as_table
    from ccmux.cli.place import enter
    from ccmux.cli.say import as_json
    from ccmux.core.findings import all_well
    from ccmux.upkeep.verifying import verify

    findings = verify(enter(arguments), os.environ)
    columns = get_terminal_size().columns if sys.stdout.isatty() else None
    print(as_json(as_object(findings)) if arguments.json else as_table(findings, columns=columns))
    return 0 if all_well(findings) else 1
