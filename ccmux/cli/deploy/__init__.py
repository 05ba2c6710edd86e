"""The console script ccmux-deploy: finds the command and runs it; without one it deploys.

Only the command that is called is imported. Exit codes: 0 done, 1 failed, 2 usage.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from ccmux import __version__
from ccmux.cli.lines import help_lines
from ccmux.cli.program import (
    EXIT_DONE,
    EXIT_FAILED,
    add_place,
    command_at,
    exit_code,
    run_command,
    unknown_command,
    usage,
)

COMMANDS = {
    "remove": "stop, disable and delete all units made from this ccmux.toml",
    "verify": "tell of every unit, and of all they need, whether it works",
}
"""Name and purpose of each command; the module `ccmux.cli.deploy.<name>` holds it."""

_EPILOG = """\
commands:
{commands}

  ccmux-deploy COMMAND --help tells the rest.

files:
  ccmux.toml                        [timers.NAME] and [adapters.NAME] name what runs beside the daemon
  ~/.config/systemd/user/ccmux*     the units; one that does not name this ccmux.toml is never touched

exit codes: 0 done, 1 failed (one line says the way out), 2 usage

examples:
  ccmux-deploy --dry-run            see what would change; -v: every line of it
  ccmux-deploy                      do it; again after each change of ccmux.toml
  ccmux-deploy -C ~/app             the same for another folder
  ccmux-deploy verify               see whether it all works
  ccmux-deploy remove               undo it
"""


def main(argv: Sequence[str]) -> int:
    """Run one command line, without the program's name, and return its exit code."""
    return exit_code("ccmux-deploy", lambda: _run(argv))


def entry() -> int:
    """Run the program's own command line."""
    return main(sys.argv[1:])


def _run(argv: Sequence[str]) -> int:
    at = command_at(argv)
    options = _top_parser().parse_args(argv[:at])
    if options.verbose and not options.dry_run:
        return usage("ccmux-deploy", "-v goes with --dry-run only")
    if at == len(argv):
        return _deploy(options)
    name = argv[at]
    if name not in COMMANDS:
        return unknown_command("ccmux-deploy", name, COMMANDS)
    if options.dry_run:
        return usage("ccmux-deploy", "--dry-run shows a deployment; it goes with no command")
    return run_command(f"ccmux-deploy {name}", f"ccmux.cli.deploy.{name}", argv[at + 1 :], known=options)


def _deploy(options: Namespace) -> int:
    from ccmux.cli.deploy.telling import telling
    from ccmux.cli.place import enter
    from ccmux.upkeep.deploying import Deployer

    deployer = Deployer(enter(options), os.environ, telling())
    if options.dry_run:
        deployer.tell(whole=options.verbose)
        return EXIT_DONE
    return EXIT_DONE if deployer.deploy() else EXIT_FAILED


def _top_parser() -> ArgumentParser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {purpose}" for name, purpose in COMMANDS.items())
    parser = ArgumentParser(
        prog="ccmux-deploy",
        usage="ccmux-deploy [-C DIR] [--config FILE] [--dry-run [-v]]\n"
        "       ccmux-deploy [-C DIR] [--config FILE] COMMAND ...",
        description="Lets systemd run ccmux, its adapters and its timers, as ccmux.toml says.",
        epilog=help_lines(_EPILOG.format(commands=commands)),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place(parser, Namespace(folder=None, config=None))
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    verbose = "with --dry-run: also the text of units that are new or go"
    parser.add_argument("-v", "--verbose", action="store_true", help=verbose)
    parser.add_argument("--version", action="version", version=f"ccmux-deploy {__version__}")
    return parser
