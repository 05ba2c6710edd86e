"""What our programs have in common: where the command stands, the place's options, how an end is told."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from ccmux.cli.lines import help_lines
from ccmux.core.errors import CcmuxError

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def exit_code(program: str, work: Callable[[], int]) -> int:
    """Do the work and return its exit code; what ends it early becomes its lines, or argparse's own words."""
    try:
        code = work()
        sys.stdout.flush()
    except SystemExit as left:  # argparse leaves so, after its own words
        return left.code if isinstance(left.code, int) else EXIT_FAILED
    except CcmuxError as error:
        sys.stderr.write(f"{program}: " + "\n".join(error.lines) + "\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells say it
    except BrokenPipeError:
        # The reader left (`ccmux tail | head`). Nothing may be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return code


def command_at(argv: Sequence[str]) -> int:
    """Return where the command stands: the first word that is neither an option nor an option's value."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        at += 2 if argv[at] in {"-C", "--config"} else 1
    return min(at, len(argv))


def add_place(parser: ArgumentParser, known: Namespace) -> None:
    """Let a command say where its project is, too; `known` is what was said before it."""
    parser.add_argument(
        *("-C",), dest="folder", metavar="DIR", default=known.folder, help="go to this folder first"
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=known.config,
        help="settings file (default: ./ccmux.toml; without -C the one that CCMUX_CONFIG names)",
    )


def run_command(program: str, module: str, argv: Sequence[str], *, known: Namespace) -> int:
    """Import a command, read its command line and run it; return its exit code.

    Args:
        program: How it was called: "ccmux send".
        module: Where it is: it has `add_arguments`, `run`, `EXAMPLES` and a docstring that says what it does.
        argv: What stands behind its name.
        known: What was said before its name.

    """
    command = import_module(module)
    parser = ArgumentParser(
        prog=program,
        description=help_lines(command.__doc__ or ""),
        epilog=help_lines(command.EXAMPLES),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place(parser, known)
    command.add_arguments(parser)
    code: int = command.run(parser.parse_args(argv))
    return code


def unknown_command(program: str, name: str, commands: Iterable[str]) -> int:
    """Say that there is no such command, and which one is close."""
    from difflib import get_close_matches

    close = get_close_matches(name, commands, n=1)
    says = f"there is no command '{name}'" + (f"; did you mean {close[0]}?" if close else "")
    return usage(program, says)


def usage(program: str, sentence: str) -> int:
    """Say what is wrong with the command line."""
    sys.stderr.write(f"{program}: {sentence}; see {program} --help\n")
    return EXIT_USAGE
