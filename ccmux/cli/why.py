"""Say exactly why a message is where it is, or what the head of the queue waits for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ccmux.cli.say import as_json, printable
from ccmux.core.when import age

EXAMPLES = """\
examples:
  ccmux why            the head of the queue, and what Claude has now
  ccmux why 17         one message, by its number
  ccmux why mail-42    or by its sender's key
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say which message."""
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="number or key of a message")
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(arguments: Namespace) -> int:
    """Ask and print."""
    from ccmux.cli.place import find_place

    with find_place(arguments).control() as control:
        holds = control.ask("why", id=arguments.id)["holds"]
        if arguments.json:
            print(as_json(holds))
        elif holds:
            print("\n".join(map(told, holds)))
        else:
            hold = control.ask("status")["status"].get("hold")
            print("nothing waits" + (f"; a message would wait now: {printable(hold)}" if hold else ""))
    return 0


def told(hold: dict[str, Any]) -> str:
    """Return a message's wait for a person."""
    out = f"\n    way out: {hold['way_out']}" if hold["way_out"] else ""
    start = f"message {hold['id']} ({hold['channel']}), {hold['state']}, {age(hold['since_s'])} old"
    return printable(f"{start}: {hold['reason']}{out}", keep="\n")
