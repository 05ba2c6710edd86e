"""Find what is wrong and say how to mend each: from settings, disk and tmux up to Claude, units and queue."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from shutil import get_terminal_size

EXAMPLES = """\
examples:
  ccmux doctor             exit code 1 where something is bad; a warning is no failure
  ccmux doctor --fix       mend what is safe: modes, missing folders, linger, daemon-reload, reset-failed
  ccmux doctor --json | jq '.findings[] | select(.verdict != "ok")'
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say whether to mend, and in which form to tell."""
    parser.add_argument("--fix", action="store_true", help="mend what can be mended safely, then look again")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Examine, mend where asked, and print."""
    from ccmux.cli.findings import as_object, as_table
    from ccmux.cli.place import enter
    from ccmux.cli.say import as_json, printable
    from ccmux.core.findings import all_well
    from ccmux.upkeep.mending import mend
    from ccmux.upkeep.patient import Patient
    from ccmux.upkeep.rounds import examine

    config = enter(arguments)
    diagnoses = examine(Patient(config, os.environ))
    done = mend(diagnoses, os.environ) if arguments.fix else []
    if done:
        diagnoses = examine(Patient(config, os.environ))
    findings = [diagnosis.finding for diagnosis in diagnoses]
    if arguments.json:
        print(as_json({**as_object(findings), **({"fixed": done} if arguments.fix else {})}))
    else:
        for sentence in done:
            print(printable(sentence))
        print(as_table(findings, columns=get_terminal_size().columns if sys.stdout.isatty() else None))
    return 0 if all_well(findings) else 1
