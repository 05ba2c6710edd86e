"""A Unix stream socket that answers lines: one line in, one line out, many a connection.

It owns the socket file and the connections. What a line means is the handler's business; a client that sends
garbage, stops half-way or never reads its answer harms only itself. Where all places are taken, whoever has
asked nothing for the longest time makes room.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from ccmux.core.errors import RuntimeDirUnsafe

Handler = Callable[[bytes], Awaitable[bytes]]

_BACKLOG = 1_024


class LineServer:
    """Serves lines at a path."""

    def __init__(
        self, path: Path, *, line_limit: int, refusal: Callable[[str], bytes], connections: int = 1_000
    ) -> None:
        """Prepare; nothing is made yet.

        Args:
            path: Where the socket file will be; its directory must be ours alone.
            line_limit: Bytes of the longest line; a longer one is skipped and refused.
            refusal: Puts a sentence into the line that says no.
            connections: At once. One more takes the place of whoever has asked nothing for the longest time,
                and is refused where all wait for their answers.
        """
        self._path = path
        self._line_limit = line_limit
        self._refusal = refusal
        self._connections = connections
        self._clients: set[asyncio.Task[None]] = set()
        self._idle: dict[asyncio.Task[None], None] = {}
        """Those of them whose question is not whole yet, or is answered, the longest such first."""
        self._bound: socket.socket | None = None
        self._inode: tuple[int, int] | None = None
        self._rebound = asyncio.Event()

    def bind(self) -> None:
        """Make the socket file (0600) and listen; what was served before goes on until it ends.

        A socket file that a dead process of ours left behind is replaced.

        Raises:
            RuntimeDirUnsafe: Something else stands there, or another program listens on it.
        """
        self._clear_the_place()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # The file takes the mode of the socket it is bound from: it is never open to others.
            os.fchmod(listening.fileno(), 0o600)
            listening.bind(os.fspath(self._path))
            listening.listen(_BACKLOG)
            listening.setblocking(False)
        except OSError as error:
            listening.close()
            raise self._unsafe(str(error), "mend it, or set another [runtime] dir") from error
        found = self._path.lstat()
        self._inode = (found.st_dev, found.st_ino)
        if self._bound is not None:
            self._bound.close()
        self._bound = listening
        self._rebound.set()

    def in_place(self) -> bool:
        """Tell whether the path still leads to the socket that `bind` made."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._inode

    def unlink(self) -> None:
        """Remove the socket file if it is the one that `bind` made, and stop listening if nobody serves."""
        if self.in_place():
            self._path.unlink(missing_ok=True)
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    async def serve(self, handler: Handler) -> None:
        """Answer lines with what `handler` returns, until cancelled. `bind` comes first.

        An exception of the handler's is a bug and ends all.
        """
        async with asyncio.TaskGroup() as group:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                if len(self._clients) >= self._connections and not self._make_room():
                    writer.write(self._refusal(f"{len(self._clients)} connections are open; close some"))
                    writer.close()
                    return
                task = group.create_task(
                    self._converse(reader, writer, handler), name=f"{self._path.name} client"
                )
                self._clients.add(task)
                self._idle[task] = None
                task.add_done_callback(partial(self._hang_up, writer))

            while True:
                await self._rebound.wait()
                self._rebound.clear()
                listening, self._bound = self._bound, None
                server = await asyncio.start_unix_server(
                    accept, sock=listening, limit=self._line_limit, backlog=_BACKLOG
                )
                try:
                    await self._rebound.wait()
                finally:
                    server.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
    ) -> None:
        too_long = self._refusal(f"the line is longer than {self._line_limit} bytes; send less at once")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        try:
            while (line := await _next_line(reader)) != b"":
                self._idle.pop(task, None)
                answer = too_long if line is None else await handler(line)
                self._idle[task] = None
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass  # the client left; nobody waits for the answer

    def _make_room(self) -> bool:
        """Hang up on whoever has asked nothing for the longest time; False where all wait for answers."""
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        self._leave(longest)
        longest.cancel()
        return True

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._clients.discard(task)
        self._idle.pop(task, None)

    def _hang_up(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self._leave(task)
        if task.cancelled():
            # A client that does not read would keep a closing transport open for ever.
            writer.transport.abort()
        else:
            writer.close()

    def _clear_the_place(self) -> None:
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(found.st_mode):
            raise self._unsafe(f"{self._path.name} is there and is no socket", "remove it yourself")
        if found.st_uid != os.geteuid():
            raise self._unsafe(f"{self._path.name} belongs to somebody else", "set another [runtime] dir")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(self._path))
            except ConnectionRefusedError:
                self._path.unlink(missing_ok=True)
                return
            except BlockingIOError:
                pass  # its backlog is full: somebody listens
        raise self._unsafe(
            f"another program listens on {self._path.name}", "stop it, or set another [runtime] dir"
        )

    def _unsafe(self, reason: str, way_out: str) -> RuntimeDirUnsafe:
        return RuntimeDirUnsafe(str(self._path.parent), reason, way_out)


async def _next_line(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next line, its newline included; None for one that was too long, b"" at the end.

    A last line without its newline counts: whoever wrote it has closed his side and waits.
    """
    too_long = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return b"" if too_long else error.partial
        except asyncio.LimitOverrunError as error:
            too_long = True
            await reader.readexactly(error.consumed)
        else:
            return None if too_long else line
