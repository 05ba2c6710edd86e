"""List, show, retry or drop dead letters: lines that were no message, and messages that were given up.

show prints the bytes exactly as they came, and nothing else. retry queues a letter again under its own
number; a line is read again first, so it helps where a setting was changed. drop takes a letter off the list;
its bytes stay in the database, and its end is told as an event. A daemon must run.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from ccmux.cli.say import as_json, glimpse
from ccmux.core.when import age

EXAMPLES = """\
examples:
  ccmux dead                       the newest ones, with the reason
  ccmux dead show 17 > line        exactly the bytes that came
  ccmux dead retry 17              after [input] max_message_bytes was raised, say
  ccmux dead drop 17 18
  ccmux dead --json | jq -r '.[].id' | xargs ccmux dead drop
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what to do with which."""
    parser.add_argument(
        "action", nargs="?", default="list", choices=("list", "show", "retry", "drop"), help="default: list"
    )
    parser.add_argument("ids", nargs="*", type=_number, metavar="ID", help="number of a letter")
    parser.add_argument("--limit", type=_limit, default=50, metavar="N", help="list at most (default: 50)")
    parser.add_argument(
        "--json", action="store_true", help="one JSON list; show: one object, its bytes in base64"
    )


def run(arguments: Namespace) -> int:
    """Ask and print."""
    from ccmux.cli.place import find_place

    if wrong := _wrong(arguments.action, arguments.ids):
        sys.stderr.write(f"ccmux: {wrong}; see ccmux dead --help\n")
        return 2
    with find_place(arguments).control() as control:
        match arguments.action:
            case "list":
                _print_list(control.ask("dead", limit=arguments.limit)["letters"], in_json=arguments.json)
            case "show":
                _print_letter(control.ask("letter", id=arguments.ids[0])["letter"], in_json=arguments.json)
            case action:
                return _do_each(control, action, arguments.ids, in_json=arguments.json)
    return 0


def told(letter: dict[str, Any], *, now_s: float) -> str:
    """Return a letter as one line for a person."""
    since = age(max(0.0, now_s - letter["at"]))
    start = f"{letter['id']:>6}  {letter['kind']:7} {since:>10}  {letter['channel']}"
    size = f"{letter['bytes']} bytes"
    if letter["bytes"] < letter["whole_bytes"]:
        size = f"the first {letter['bytes']} of {letter['whole_bytes']} bytes"
    return f"{start}  {size}  {glimpse(letter['reason'], chars=100)}: {glimpse(letter['content'], chars=60)}"


def _print_list(letters: list[dict[str, Any]], *, in_json: bool) -> None:
    if in_json:
        print(as_json(letters))
    elif not letters:
        print("there are no dead letters")
    for letter in () if in_json else letters:
        print(told(letter, now_s=time.time()))


def _print_letter(letter: dict[str, Any], *, in_json: bool) -> None:
    from base64 import b64decode

    if in_json:
        print(as_json(letter))
    else:
        sys.stdout.buffer.write(b64decode(letter["verbatim"]))


def _do_each(control: Any, action: str, ids: list[int], *, in_json: bool) -> int:
    """Retry or drop one after the other; what is refused is said, and the others are done all the same."""
    from ccmux.core.errors import RequestRefused

    done: list[int] = []
    for id_ in ids:
        try:
            done.append(control.ask(action, id=id_)["id"])
        except RequestRefused as error:
            sys.stderr.write(f"ccmux: {error}\n")
    if in_json:
        print(as_json(done))
    elif done:
        names = ", ".join(map(str, done))
        print(f"queued again: {names}" if action == "retry" else f"dropped: {names}")
    return 0 if len(done) == len(ids) else 1


def _wrong(action: str, ids: list[int]) -> str:
    if action == "list":
        return "list takes no ID" if ids else ""
    if not ids:
        return f"{action} needs the ID of a dead letter"
    return "show takes one ID" if action == "show" and len(ids) > 1 else ""


def _number(word: str) -> int:
    if word.isascii() and word.isdecimal() and len(word) < 19:
        return int(word)
    raise ArgumentTypeError("an ID is a number; `ccmux dead` lists them")


def _limit(word: str) -> int:
    if word.isdecimal() and 1 <= int(word) <= 1_000:
        return int(word)
    raise ArgumentTypeError("it must be a number from 1 to 1000")
