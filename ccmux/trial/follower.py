"""Reads output.sock as a subscriber does, and waits in it for what a case expects."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from typing import Any

from ccmux.trial import waiting
from ccmux.trial.waiting import Abandoned, NotSo

Event = dict[str, Any]

_LOOK_MS = 100
_READ_BYTES = 65_536
_SHOWN = 8


class Follower:
    """The lines of output.sock.

    Attributes:
        seen: Every event so far.

    """

    def __init__(self, connection: socket.socket, abandoned: threading.Event | None = None) -> None:
        """Read a connection that was told what to send; the caller closes it."""
        self._connection = connection
        self._abandoned = abandoned
        self._unread = b""
        self.seen: list[Event] = []

    def next(self) -> Event:
        """Return the next event.

        Raises:
            NotSo: None came in time, or the daemon went away.
            Abandoned: The trial is not wanted any more.

        """
        deadline_s = time.monotonic() + waiting.LIMIT_S
        poller = select.poll()
        poller.register(self._connection, select.POLLIN)
        while b"\n" not in self._unread:
            if self._abandoned is not None and self._abandoned.is_set():
                raise Abandoned
            if time.monotonic() > deadline_s:
                raise NotSo(f"no event came; {self._told()}")
            if poller.poll(_LOOK_MS):
                read = self._connection.recv(_READ_BYTES)
                if not read:
                    raise NotSo(f"the stream ended; {self._told()}")
                self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        event: Event = json.loads(line)
        self.seen.append(event)
        return event

    def until(self, type_: str, *, before: str = "", **fields: Any) -> Event:
        """Return the next event of this type with these fields; it must come before any of type `before`."""
        while True:
            try:
                event = self.next()
            except NotSo as error:
                wanted = " ".join([type_, *(f"{key}={value}" for key, value in fields.items())])
                raise NotSo(f"never: event {wanted}; {error}") from error
            if event["type"] == type_ and all(event.get(key) == value for key, value in fields.items()):
                return event
            if event["type"] == before:
                raise NotSo(f"never: event {type_} before the {before}; {self._told()}")

    def until_sent(self) -> Event:
        """Return the next event that says that Claude has a message; hook and transcript race to say so."""
        while True:
            event = self.until("message")
            if event["state"] in {"submitted", "started"}:
                return event

    def _told(self) -> str:
        if not self.seen:
            return "there was none at all"
        return "the last: " + ", ".join(_brief(event) for event in self.seen[-_SHOWN:])


def _brief(event: Event) -> str:
    told = [event.get(key) for key in ("id", "state", "hold", "event", "outcome", "reason") if event.get(key)]
    return " ".join(map(str, [event["type"], *told]))


def text_of(turn: Event) -> str:
    """Return what Claude said in a turn."""
    return "".join(block["text"] for block in turn["turn"] if block["type"] == "text")
