"""The console script: finds the command, and turns what goes wrong into one line and an exit code.

Only the command that is called is imported. Exit codes: 0 done, 1 failed, 2 usage.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from ccmux import __version__
from ccmux.cli.lines import help_lines
from ccmux.cli.program import add_place, command_at, exit_code, run_command, unknown_command, usage

COMMANDS = {
    "init": "write a first ccmux.toml here",
    "attach": "attach this terminal to Claude's session",
    "send": "send Claude a message, also while the daemon is down",
    "tail": "follow the events",
    "status": "tell state, queue and what holds it",
    "messages": "list messages and their states",
    "why": "say exactly why a message, or the head of the queue, waits",
    "dead": "list, show, retry or drop what could not be taken or delivered",
    "tasks": "list, start, stop and reset what the overseer keeps running, or read what it prints",
    "doctor": "find what is wrong, and say how to mend each",
    "upgrade-check": "try another Claude Code, and say whether it is safe to upgrade to it",
    "live": "show others what your Claude Code sessions do, from their own hooks",
    "prove": "check every message against Claude's transcripts: none lost, none doubled",
    "pause": "hold injection until resume",
    "resume": "go on injecting",
    "interrupt": "press Escape in a Claude that is at work",
    "stop": "end the daemon; with --all Claude, timers and adapters too",
}
"""Name and purpose of each command; the module `ccmux.cli.<name>` holds it."""

_EPILOG = """\
commands:
{commands}

  ccmux COMMAND --help tells the rest.

files (RUN is what [runtime] dir in ccmux.toml says, /tmp/ccmux by default):
  ccmux.toml             settings; all keys with their meaning: ccmux init
  RUN/in                 write a line here, Claude reads it; in.NAME for a channel of your own
  RUN/out.NAME           make this FIFO, and Claude can write to it
  ~/.ccmux/data          queue and state (CCMUX_DATA_DIR); ~/.ccmux/secrets (CCMUX_SECRETS_DIR)

exit codes: 0 done, 1 failed (one line says the way out), 2 usage

examples:
  ccmux init && ccmux                        start here
  ccmux --demo                               try it without Claude Code
  ccmux attach                               see Claude at work; Ctrl-b d leaves
  ccmux send "run the tests"                 a message
  git log -3 | ccmux send -c git --wait answered -
  echo hello > /tmp/ccmux/in                 the same by shell (RUN by default)
"""


def main(argv: Sequence[str]) -> int:
    """Run one command line, without the program's name, and return its exit code."""
    return exit_code("ccmux", lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    at = command_at(argv)
    options = _top_parser().parse_args(argv[:at])
    if at == len(argv):
        return _daemon(options)
    name = argv[at]
    if name not in COMMANDS:
        return unknown_command("ccmux", name, COMMANDS)
    if options.demo:
        return usage("ccmux", "--demo starts the daemon; it goes with no command")
    module = f"ccmux.cli.{name.replace('-', '_')}"
    return run_command(f"ccmux {name}", module, argv[at + 1 :], known=options)


def _top_parser() -> ArgumentParser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {purpose}" for name, purpose in COMMANDS.items())
    parser = ArgumentParser(
        prog="ccmux",
        usage="ccmux [-C DIR] [--config FILE] [--demo]\n       ccmux [-C DIR] [--config FILE] COMMAND ...",
        description="Keeps Claude Code running in tmux and gives it Unix ears and a mouth.\n"
        "Without a command: the daemon, in the foreground.",
        epilog=help_lines(_EPILOG.format(commands=commands)),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place(parser, Namespace(folder=None, config=None))
    parser.add_argument("--demo", action="store_true", help="host a demo agent in Claude's place")
    parser.add_argument("--version", action="version", version=f"ccmux {__version__}")
    return parser


def _daemon(options: Namespace) -> int:
    from ccmux.app import run
    from ccmux.cli.place import daemons_place, failpoint

    return run(daemons_place(options), demo=options.demo, failpoint=failpoint())
