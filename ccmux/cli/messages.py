"""List messages, newest first: number, state, how long ago each came, channel, text."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from ccmux.cli.say import as_json, glimpse
from ccmux.core.when import age

EXAMPLES = """\
examples:
  ccmux messages
  ccmux messages --state queued --state typing
  ccmux messages --limit 1000 --json | jq -r '.[].content'
"""

_STATES = ("queued", "typing", "submitted", "started", "answered", "uncertain", "dead")


def add_arguments(parser: ArgumentParser) -> None:
    """Say which, how many, and in which form."""
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        choices=_STATES,
        metavar="STATE",
        help=f"only these ({', '.join(_STATES)}); may be repeated",
    )
    parser.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most (default: 50)")
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(arguments: Namespace) -> int:
    """Ask and print."""
    from ccmux.cli.place import find_place

    with find_place(arguments).control() as control:
        messages = control.ask("messages", states=arguments.state, limit=arguments.limit)["messages"]
    if arguments.json:
        print(as_json(messages))
        return 0
    for message in messages:
        print(told(message, now_s=time.time()))
    return 0


def told(message: dict[str, Any], *, now_s: float) -> str:
    """Return a message as one line for a person."""
    since = age(max(0.0, now_s - message.get("taken_at", message["ts"])))
    reason = f" ({message['reason']})" if message["reason"] else ""
    start = f"{message['id']:>6}  {message['state']:9} {since:>10}  {message['channel']}"
    return f"{start}  {glimpse(message['content'], chars=80)}{glimpse(reason, chars=80)}"


def _limit(word: str) -> int:
    if word.isdecimal() and 1 <= int(word) <= 1_000:
        return int(word)
    raise ArgumentTypeError("it must be a number from 1 to 1000")
