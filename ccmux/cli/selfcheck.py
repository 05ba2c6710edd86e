"""Tell Claude what happened since the last time, and what is not well now: one message, channel selfcheck.

What was told is kept in selfcheck.json, and the next one begins there.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from ccmux.cli.program import EXIT_DONE, add_place, exit_code


def main(argv: Sequence[str]) -> int:
    """Run the self-check, without the program's name, and return its exit code."""
    return exit_code("startup_selfcheck.py", lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)

    from ccmux.cli.place import enter
    from ccmux.upkeep.self_check import self_check

    way = self_check(enter(arguments), os.environ, dry_run=arguments.dry_run, say=_say)
    if way:
        sys.stderr.write(f"told by {way}\n")
    return EXIT_DONE


def _say(content: str) -> None:
    from ccmux.cli.say import printable

    print(printable(content, keep="\n"), flush=True)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="startup_selfcheck.py",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place(parser, Namespace(folder=None, config=None))
    parser.add_argument("--dry-run", action="store_true", help="print the message; send and keep nothing")
    return parser
