"""Send Claude one message. Returns once it is on disk, also while the daemon is down, and prints its id."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import suppress
from typing import Any

from ccmux.cli.place import find_place
from ccmux.client import spool_message
from ccmux.core.channel import CHANNEL_RULE, DEFAULT_CHANNEL, is_channel
from ccmux.core.errors import DaemonUnreachable
from ccmux.place import Place

EXAMPLES = """\
Every message has a key: yours (--id), or one that is made up. The same key on the same channel is taken once,
so a script may send again when it is not sure.

What comes again and again (a timer) must not pile up while Claude takes nothing: with --unless-waiting NAME
it is skipped while an earlier message of that name on the same channel still waits. Then one line on stderr
says so, nothing is printed, and the exit code is 0. While the daemon is down all of them are kept, and judged
one after the other at its next start.

examples:
  ccmux send "run the tests"
  ccmux send -c mail --id "$MESSAGE_ID" - < mail.txt
  ccmux send --wait answered --timeout 600 "what is left to do?"
  ccmux -C ~/my-app send -c timer --unless-waiting morning -- "look at the mail"
"""

_SUBMITTED = {"submitted", "started", "answered"}


def add_arguments(parser: ArgumentParser) -> None:
    """Say what is sent, and how long to wait."""
    parser.add_argument(
        "-c", "--channel", type=_channel, default=DEFAULT_CHANNEL, help="its channel (default: default)"
    )
    parser.add_argument("--id", type=_key, metavar="KEY", help="a key of your own, at most 128 characters")
    parser.add_argument(
        "--unless-waiting",
        type=_key,
        metavar="NAME",
        help="skip it while an earlier message of this name waits for Claude on the same channel",
    )
    parser.add_argument(
        "--wait",
        choices=("submitted", "answered"),
        help="wait until Claude has taken it, or has answered; then the answer is printed",
    )
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="wait so many seconds at most, then exit 1"
    )
    parser.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help="the message; - or nothing reads standard input; behind -- it may begin with -",
    )


def run(arguments: Namespace) -> int:
    """Hand the message to the daemon, or to the spool where nobody answers."""
    content = _content(arguments.text)
    if not content.strip():
        sys.stderr.write("ccmux: there is nothing to send; see ccmux send --help\n")
        return 2
    place = find_place(arguments)
    if wrong := _wrong(content, most_bytes=place.settings.input.max_message_bytes):
        return _failed(wrong)
    message = {
        "channel": arguments.channel,
        "content": content,
        "ts": round(time.time(), 3),
        "id": arguments.id or f"send-{os.urandom(8).hex()}",
        **({"unless_waiting": arguments.unless_waiting} if arguments.unless_waiting else {}),
    }
    with place.control() as control:
        try:
            # What happens to the message from here on is told behind this number.
            since = control.ask("status")["status"]["last_seq"] if arguments.wait else 0
            sent = control.ask("send", message=message)
        except DaemonUnreachable as error:
            return _spool(place, message, error, waited_for=arguments.wait)
        if sent.get("skipped"):
            sys.stderr.write(_skipped(sent, arguments.unless_waiting))
            return 0
        if not arguments.wait:
            print(sent["id"])
            return 0
        sys.stderr.write(f"message {sent['id']} is queued\n")
        wait = _Wait(sent["id"], arguments.wait, since=since)
        if sent["duplicate"]:
            (known,) = control.ask("show", id=sent["id"])["messages"]
            if (code := wait.settled(known)) is not None:
                return code
            # Its turn may be over already, or may be no longer told of.
            wait.since, wait.until = 0, since if known["state"] == "answered" else None
    try:
        return wait.follow(place, timeout_s=arguments.timeout)
    except DaemonUnreachable as error:
        return _failed(f"{error}; message {sent['id']} is kept, see ccmux why {sent['id']}")


def _content(words: list[str]) -> str:
    if words not in ([], ["-"]):
        return " ".join(words)
    read = sys.stdin.buffer.read()
    return read.decode(errors="surrogateescape").removesuffix("\n")


def _wrong(content: str, *, most_bytes: int) -> str:
    try:
        size = len(content.encode())
    except UnicodeEncodeError:
        return "the message is not valid UTF-8; send text"
    if size > most_bytes:
        most = f"at most {most_bytes} ([input] max_message_bytes)"
        return f"the message has {size} bytes, {most}; put it into a file and send its path"
    return ""


def _spool(place: Place, message: dict[str, Any], error: DaemonUnreachable, *, waited_for: str | None) -> int:
    if not place.is_known:
        # Nobody would ever look into this spool.
        return _failed(f"{error}, or go to the project's folder (-C DIR)")
    try:
        spool_message(place.paths.send_spool, message)
    except OSError as full:
        return _failed(f"{error}; and {place.paths.send_spool} cannot be written: {full.strerror}")
    print(message["id"])
    name = message.get("unless_waiting")
    unless = f", unless an earlier one of '{name}' still waits then" if name else ""
    sys.stderr.write(f"ccmux: {error}; the message is kept and taken at the next start{unless}\n")
    if waited_for:
        return _failed(f"it cannot be waited for; later: ccmux why {message['id']}")
    return 0


def _skipped(sent: dict[str, Any], name: str) -> str:
    reason = f" ({sent['reason']})" if sent.get("reason") else ""
    return f"skipped: message {sent['waits']} of '{name}' still waits{reason}\n"


class _Wait:
    """Waits for a message to reach a state, by the events after number `since`.

    `until`: the number after which nothing new of it can come; None where it is still under way.
    """

    def __init__(self, message_id: int, state: str, *, since: int) -> None:
        self.message_id = message_id
        self.state = state
        self.since = since
        self.until: int | None = None
        self.cut: dict[str, Any] | None = None
        """The turn that a crash ended, as long as Claude may yet go on with it."""

    def settled(self, message: dict[str, Any]) -> int | None:
        """Return the exit code if the message's own state ends the wait."""
        if message.get("state") == "dead":
            return _failed(f"message {self.message_id} was given up: {message.get('reason')}")
        if self.state == "submitted" and message.get("state") in _SUBMITTED:
            print(self.message_id)
            return 0
        return None

    def follow(self, place: Place, *, timeout_s: float | None) -> int:
        """Follow the events to the end of the wait, and return the exit code. Raises DaemonUnreachable."""
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        with place.events(since=self.since) as events:
            while True:
                try:
                    event = events.next(timeout_s=None if until_s is None else until_s - time.monotonic())
                except TimeoutError:
                    said = f"message {self.message_id} is not {self.state} after {timeout_s:g} s"
                    return _failed(f"{said}; see ccmux why {self.message_id}")
                if (code := self._heard(event)) is not None:
                    return code

    def _heard(self, event: dict[str, Any]) -> int | None:
        kind = event.get("type")
        if kind == "turn" and self.state == "answered" and self.message_id in event.get("message_ids", ()):
            self.cut = event if event.get("outcome") == "crashed" else None
            if self.cut is None:
                print(_spoken(event))
                return 0
        code = None
        if kind == "message" and event.get("id") == self.message_id:
            code = self.settled(event)
            if self.cut is not None and event.get("state") == "answered":
                print(_spoken(self.cut))
                return _failed(
                    f"Claude crashed at work on message {self.message_id}; this is what it had said"
                )
        if code is None and self.until is not None and event.get("seq", 0) >= self.until:
            return _failed(f"message {self.message_id} was answered; its turn is no longer in the event log")
        return code


def _spoken(turn: dict[str, Any]) -> str:
    from ccmux.cli.say import printable

    blocks = [block for block in turn.get("turn", ()) if block.get("type") == "text"]
    text = "\n\n".join(str(block.get("text", "")) for block in blocks)
    return printable(text, keep="\n\t") if sys.stdout.isatty() else text


def _channel(word: str) -> str:
    if is_channel(word):
        return word
    raise ArgumentTypeError(f"{word!r} is no channel; it must be {CHANNEL_RULE}")


def _key(word: str) -> str:
    if 0 < len(word) <= 128 and word.isprintable():
        return word
    raise ArgumentTypeError("it must be 1 to 128 printable characters")


def _seconds(word: str) -> float:
    with suppress(ValueError):
        if 0 <= (seconds := float(word)) < float("inf"):
            return seconds
    raise ArgumentTypeError("it must be a number of seconds, 0 or more")


def _failed(sentence: str) -> int:
    sys.stderr.write(f"ccmux: {sentence}\n")
    return 1
