"""Starts the demo agent: `ccmux-demo-agent`, with the command line of the Claude Code CLI."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ccmux.demo.journal import VERSION, transcript_path
from ccmux.demo.options import Options, UsageProblem, read

_HELP = """\
usage: ccmux-demo-agent [--session-id ID | --resume ID]
                        [--settings FILE_OR_JSON] [--permission-mode MODE]
                        [--dangerously-skip-permissions] [PROMPT]

Behaves in a terminal as Claude Code does, without an account: it answers by
fixed rules, asks for permission, fires hooks, calls the ccmux MCP server, and
never runs a command. Say `work on it`, `run touch x`, `wait 3`.
"""


def entry() -> None:
    """Run as a program."""
    sys.exit(main(sys.argv[1:], os.environ))


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Return the exit code: 0 done, 1 failed, 129 and 143 ended from outside."""
    if "--version" in argv or "-v" in argv:
        sys.stdout.write(f"{VERSION} (ccmux demo agent)\n")
        return 0
    if "--help" in argv or "-h" in argv:
        sys.stdout.write(_HELP)
        return 0
    cwd = os.getcwd()  # noqa: PTH109 - a string is what hooks and files carry
    try:
        options = read(argv, environ)
        _check(options, cwd)
    except UsageProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        sys.stderr.write("ccmux-demo-agent needs a terminal; try it in tmux\n")
        return 1
    return _run(options, cwd, environ)


def _check(options: Options, cwd: str) -> None:
    if options.resume is not None and not transcript_path(options.home, cwd, options.resume).exists():
        raise UsageProblem(f"No conversation found with session ID: {options.resume}")
    fresh = options.session_id
    if options.resume is None and fresh is not None and transcript_path(options.home, cwd, fresh).exists():
        raise UsageProblem(f"Error: Session ID {fresh} is already in use.")


def _run(options: Options, cwd: str, environ: Mapping[str, str]) -> int:
    from ccmux.demo.agent import Agent  # noqa: PLC0415 - refusals and --version come at once
    from ccmux.demo.session import Session  # noqa: PLC0415
    from ccmux.demo.terminal import Terminal  # noqa: PLC0415

    return Agent(Session(options, cwd, environ), Terminal(sys.stdin.fileno())).run()
