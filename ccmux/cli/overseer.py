"""The program ccmux-overseer: argv and environment to one overseer, its words and its exit code."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ccmux import __version__
from ccmux.cli.lines import help_lines
from ccmux.cli.program import exit_code

_EPILOG = """\
who may come in:
  A program of this user on this machine, over 127.0.0.1 or localhost; whoever
  else has an address on the list must send 'Authorization: Bearer TOKEN' with
  the token in ~/.ccmux/secrets/api_token (CCMUX_SECRETS_DIR sets another
  folder), which is made at the first start. A web page never comes in.

environment:
  OVERSEER_PORT, OVERSEER_DB, OVERSEER_LOG_FILE and OVERSEER_TRUSTED_CIDRS stand
  for the options; an option goes before its variable.

exit codes: 0 done, 1 failed (one line says the way out), 2 usage

examples:
  ccmux-overseer                   ws://127.0.0.1:8080/ws, tasks are kept in
                                   ./overseer.db
  ccmux-overseer --command /usr/bin/ffmpeg
                                   clients may start this and nothing else
  ccmux-overseer --listen 0.0.0.0 --trusted-cidrs 10.1.0.0/16
                                   for that network; its clients need the token
"""


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line, without the program's name, and return its exit code."""
    return exit_code("ccmux-overseer", lambda: _run(argv, environment))


def entry() -> int:
    """Run the program's own command line."""
    return main(sys.argv[1:], os.environ)


def _run(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    options = _parser(environment).parse_args(argv)

    from ccmux.app.overseer import Plan, run
    from ccmux.paths import find_secrets_dir

    return run(
        Plan(
            host=options.listen,
            port=options.port,
            database=options.db.absolute(),
            secrets_dir=find_secrets_dir(environment),
            command=options.command,
            log_file=options.log_file,
            networks=options.trusted_cidrs,
            environment=environment,
        )
    )


def _parser(environment: Mapping[str, str]) -> ArgumentParser:
    parser = ArgumentParser(
        prog="ccmux-overseer",
        usage="ccmux-overseer [OPTION ...]",
        description=help_lines(
            "Runs and watches programs for clients that ask over WebSocket: starts them again as it is told "
            "to, tells all they print, and ends them with all they started."
        ),
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )

    def add(name: str, metavar: str, says: str, **more: Any) -> None:
        # With one dash as well: the clients' scripts know it so.
        parser.add_argument(f"--{name}", f"-{name}", metavar=metavar, help=says, **more)

    def variable(name: str, default: str = "") -> str:
        return environment.get(f"OVERSEER_{name}") or default

    add(
        "listen",
        "HOST",
        "where to listen (default: 127.0.0.1; 0.0.0.0 or :: is everywhere)",
        default="127.0.0.1",
    )
    add(
        "port",
        "PORT",
        "TCP port (default: 8080; 0 is a free one)",
        default=variable("PORT", "8080"),
        type=_port,
    )
    add("command", "PROGRAM", "the only program that may be started (default: any)", default="")
    database = "where tasks are kept (default: ./overseer.db)"
    add("db", "FILE", database, default=variable("DB", "overseer.db"), type=Path)
    events = "write starts, ends and output there, one JSON object a line (default: nowhere)"
    add("log-file", "FILE", events, default=variable("LOG_FILE") or None, type=Path)
    networks = "who may come at all, addresses or networks (default: this machine and its networks)"
    add("trusted-cidrs", "LIST", networks, default=variable("TRUSTED_CIDRS") or None, type=_networks)
    parser.add_argument("-h", "--help", "-help", action="help", help="show this help message and exit")
    parser.add_argument("--version", "-version", action="version", version=f"ccmux-overseer {__version__}")
    return parser


def _port(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and int(word) <= 65_535):
        raise ArgumentTypeError(f"must be a whole number from 0 to 65535, it is {word!r}")
    return int(word)


def _networks(text: str) -> Any:
    from ccmux.core.overseer.door import parse_networks

    found = parse_networks(text)
    if isinstance(found, str):
        raise ArgumentTypeError(f"{found!r} is no address or network like 10.1.0.0/16")
    return found
