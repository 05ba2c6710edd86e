"""Follow the events: one line each, for a person or as the JSON the daemon wrote."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ccmux.cli.say import as_json, glimpse

if TYPE_CHECKING:
    from ccmux.place import Place

EXAMPLES = """\
examples:
  ccmux tail                      what happens from now on
  ccmux tail --since 0 --json     all events that are kept, one JSON object a line
  ccmux tail --json | jq -r 'select(.type == "turn").turn[].text // empty'
"""

_GLIMPSE_CHARS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Say from where, and in which form."""
    parser.add_argument("--since", type=_seq, metavar="SEQ", help="first what came after this number")
    parser.add_argument("--json", action="store_true", help="the events as they are, one a line")


def run(arguments: Namespace) -> int:
    """Print events until the stream ends."""
    from ccmux.cli.place import find_place
    from ccmux.core.errors import DaemonUnreachable

    place = find_place(arguments)
    last = None if arguments.since is None else _told_once(arguments.since, place)
    with place.events(since=last) as events:
        try:
            for event in events:
                print(as_json(event) if arguments.json else told(event), flush=True)
                last = event.get("seq")
        except DaemonUnreachable as error:
            again = "" if last is None else f"; go on with: ccmux tail --since {last}"
            sys.stderr.write(f"ccmux: {error}{again}\n")
    return 1


def _seq(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise ArgumentTypeError(f"must be an event's number, which stands behind its time; it is {word!r}")
    return int(word)


def _told_once(since: int, place: Place) -> int:
    """Return the number to go on from: the newest, where none so high was told; what comes is below it."""
    with place.control() as control:
        newest = int(control.ask("status")["status"]["last_seq"])
    if since > newest:
        sys.stderr.write(
            f"ccmux: there is no event {since} yet, the newest is {newest}; what comes follows\n"
        )
    return min(since, newest)


def told(event: dict[str, Any]) -> str:
    """Return an event as one line for a person."""
    kind = str(event.get("type", ""))
    says = _SAYS.get(kind, _anything)(event)
    at = time.strftime("%H:%M:%S", time.localtime(float(event.get("ts", 0))))
    return f"{at} {event.get('seq', '')} {kind:8} {glimpse(says, chars=_GLIMPSE_CHARS)}"


def _turn(event: dict[str, Any]) -> str:
    blocks = event.get("turn", ())
    texts = [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]
    count = "1 block" if len(blocks) == 1 else f"{len(blocks)} blocks"
    return f"{count}: {texts[-1] if texts else 'no text'}"


def _message(event: dict[str, Any]) -> str:
    return _words(f"{event.get('id')} {event.get('channel')}", event.get("state"), event.get("reason"))


def _state(event: dict[str, Any]) -> str:
    return _words(event.get("state"), event.get("hold"))


def _permission(event: dict[str, Any]) -> str:
    return _words(f"{event.get('request_id')} {event.get('tool_name')}", as_json(event.get("tool_input")))


def _resolved(event: dict[str, Any]) -> str:
    return f"{event.get('request_id')} {event.get('behavior')} by {event.get('by')}"


def _claude(event: dict[str, Any]) -> str:
    pid, wait_s = event.get("pid"), event.get("backoff_s")
    return _words(event.get("event"), pid and f"pid {pid}", wait_s and f"again in {wait_s} s")


def _channel(event: dict[str, Any]) -> str:
    return _words(event.get("channel"), event.get("event"), event.get("id"))


def _anything(event: dict[str, Any]) -> str:
    return as_json(
        {key: value for key, value in event.items() if key not in {"seq", "ts", "type", "session"}}
    )


def _words(*words: object) -> str:
    return ": ".join(str(word) for word in words if word)


_SAYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "turn": _turn,
    "message": _message,
    "state": _state,
    "permission_request": _permission,
    "permission_resolved": _resolved,
    "claude": _claude,
    "channel": _channel,
}
