"""Kills every part of a running ccmux while messages flow, and counts what was lost or came twice.

Writers send numbered messages (FIFOs kept open and opened per line, keys, `ccmux send`), a reader reads what
Claude sends; the demo agent, or with --real the real CLI on a scripted API, answers. docs/chaos.md tells how
to read the table. Exit 1 if a message was lost, doubled or out of order.
"""

from __future__ import annotations

import random
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from tests.chaos.conductor import FAULTS, plan, run
from tests.house.stand import remove, short_folder


def main(argv: Sequence[str]) -> int:
    """Run one plan and print its table."""
    parser = ArgumentParser(
        prog="scripts/chaos",
        description=__doc__,
        epilog="faults: " + ", ".join(FAULTS),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--messages", type=int, default=200, metavar="N", help="how many (default: 200)")
    parser.add_argument("--real", action="store_true", help="the real Claude Code CLI, not the demo agent")
    parser.add_argument("--faults", metavar="LIST", help="only these, separated by commas")
    parser.add_argument("--seed", metavar="S", help="the order of things again")
    parser.add_argument("--keep", action="store_true", help="keep the folder: log, database, ledgers")
    options = parser.parse_args(argv)
    faults = [name.strip() for name in options.faults.split(",")] if options.faults else list(FAULTS)
    for name in faults:
        if name not in FAULTS:
            parser.error(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
    seed = options.seed or str(random.randrange(10_000))
    agent = "real" if options.real else "demo"
    todo = plan(messages=options.messages, faults=faults, seed=seed, agent=agent)
    folder = short_folder()
    print(f"seed {seed}, agent {agent}, {len(todo.faults)} faults, {folder}", file=sys.stderr)
    try:
        verdict = run(todo, folder, say=lambda line: print(line, file=sys.stderr, flush=True))
    finally:
        if not options.keep:
            remove(folder)
    print(verdict.table())
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
