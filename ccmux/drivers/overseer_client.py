"""Speaks with an overseer as its clients do, one question at a time; blocking. It decides nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import connect

from ccmux.core.errors import DaemonUnreachable, RequestRefused, Unreached

CONNECT_S = 10.0
ANSWER_S = 30.0

WayOut = Callable[[Unreached], str]


class OverseerClient:
    """A connection on which nothing is told that was not asked for."""

    def __init__(self, url: str, *, token: str, who: str, way_out: WayOut) -> None:
        """Connect. `who` is to answer there; `way_out` says what to do where nobody does.

        Raises:
            DaemonUnreachable: Nobody answers there, or it does not want us.

        """
        self._url = url
        self._who = who
        self._way_out = way_out
        headers = {"Authorization": f"Bearer {token}"} if token else None
        try:
            self._connection = connect(
                url, additional_headers=headers, max_size=None, open_timeout=CONNECT_S, proxy=None
            )
        except InvalidStatus as error:
            raise self._refused(error.response.status_code, error.response.body) from error
        except (OSError, InvalidHandshake, InvalidURI) as error:
            unreached = Unreached.SILENT if isinstance(error, TimeoutError) else Unreached.NOBODY
            raise self._unreachable(getattr(error, "strerror", "") or str(error), unreached) from error
        self.ask("unsubscribe")

    def __enter__(self) -> Self:
        """Have it inside this context."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._connection.close()

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the message that answers.

        Raises:
            RequestRefused: It said no.
            DaemonUnreachable: It went away, or says nothing.

        """
        id_ = self.send(kind, **fields)
        while True:
            message = self._received(ANSWER_S)
            if message.get("id") == id_:
                if message.get("type") == "error":
                    raise RequestRefused(str(message.get("message")))
                return message

    def send(self, kind: str, **fields: Any) -> str:
        """Ask, and return the id that an answer has."""
        id_ = secrets.token_hex(4)
        try:
            self._connection.send(json.dumps({"type": kind, "id": id_, **fields}))
        except ConnectionClosed as error:
            raise self._gone(error) from error
        return id_

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what it tells, as it comes.

        Raises:
            DaemonUnreachable: It went away.

        """
        while True:
            yield self._received(None)

    def _received(self, limit_s: float | None) -> dict[str, Any]:
        try:
            message = json.loads(self._connection.recv(timeout=limit_s))
        except ConnectionClosed as error:
            raise self._gone(error) from error
        except TimeoutError as error:
            raise self._unreachable("no answer in time", Unreached.SILENT) from error
        except ValueError as error:
            raise self._unreachable("what answers there is no overseer", Unreached.OTHER) from error
        return dict(message)

    def _gone(self, error: ConnectionClosed) -> DaemonUnreachable:
        said = error.rcvd.reason if error.rcvd is not None else ""
        return self._unreachable(said or "it closed the connection")

    def _refused(self, status: int, body: bytes | bytearray | None) -> DaemonUnreachable:
        try:
            why = str(json.loads(body or b"")["error"])
        except (ValueError, KeyError, TypeError):
            return self._unreachable(f"another program listens there (it answers {status})", Unreached.OTHER)
        return self._unreachable(why, Unreached.REFUSED)

    def _unreachable(self, reason: str, unreached: Unreached = Unreached.NOBODY) -> DaemonUnreachable:
        way_out = self._way_out(unreached)
        return DaemonUnreachable(self._url, reason, unreached, way_out=way_out, who=self._who)
