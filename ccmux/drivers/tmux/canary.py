"""The canary: a tmux server of its own in which texts are typed as Claude gets them, into a reader of ours.

No other server is touched. It is ended whatever happens; where even this program is killed, it ends itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from ccmux.ask_program import Answer, ask_program
from ccmux.core.doctor.tmux import CanaryFacts, expected
from ccmux.core.errors import PaneLost
from ccmux.drivers.tmux import canary_reader
from ccmux.drivers.tmux.pane import ClaudePane
from ccmux.drivers.tmux.server import TmuxServer

LIMIT_S = 8.0
_COMMAND_S = 3.0
_QUIET_S = 0.05
"""So long after the last byte that was awaited no other may come."""

LIFE_S = 30
"""After this the server ends itself, should nobody be there to end it: its own child signals it."""

_SESSION = "ccmux-doctor"


def fly(texts: Mapping[str, str], *, limit_s: float = LIMIT_S) -> CanaryFacts:
    """Type each text and Enter into a pane and return what arrived there. Blocking."""
    socket = f"ccmux-doctor-{secrets.token_hex(6)}"
    arrived: dict[str, bytes] = {}
    failure, socket_path = "", ""
    try:
        # The first command starts the server, so its configuration is the empty one.
        words = ("-f", "/dev/null", "new-session", "-d", "-P", "-F", "#{socket_path}", "-s", "keeper")
        keeper = _tmux(socket, *words, "sh", "-c", f'sleep {LIFE_S}; kill "$PPID"')
        if keeper.failure:
            return CanaryFacts(arrived={}, failure=keeper.failure)
        socket_path = keeper.out.strip()
        asyncio.run(_typed(socket, texts, arrived, limit_s=limit_s))
    except TimeoutError:
        failure = f"it did not all come within {limit_s:g} s"
    except PaneLost as error:
        failure = str(error)
    except OSError as error:
        failure = error.strerror or str(error)
    finally:
        _tmux(socket, "kill-server")
        if socket_path:
            Path(socket_path).unlink(missing_ok=True)
    return CanaryFacts(arrived=arrived, failure=failure)


async def _typed(socket: str, texts: Mapping[str, str], arrived: dict[str, bytes], *, limit_s: float) -> None:
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="ccmux-doctor-") as folder, closing(TmuxServer(socket)) as server:
        fifo = Path(folder) / "read"
        os.mkfifo(fifo, 0o600)
        ours = os.open(fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        heard = asyncio.StreamReader()
        loop.add_reader(ours, lambda: heard.feed_data(os.read(ours, 65_536)))
        pane = ClaudePane(server, _SESSION, cwd=folder)
        try:
            async with asyncio.timeout(limit_s):
                await pane.open()
                reader = (sys.executable, "-I", "-S", canary_reader.__file__, str(fifo))
                await pane.respawn(reader, env={}, unset=(), cwd=folder)
                await heard.readexactly(len(canary_reader.READY))
                for name, text in texts.items():
                    await pane.paste(text)
                    await pane.press("Enter")
                    arrived[name] = await _arrival(heard, len(expected(text)))
        finally:
            loop.remove_reader(ours)
            os.close(ours)
            await pane.close()


async def _arrival(heard: asyncio.StreamReader, count: int) -> bytes:
    """Return what came, `count` bytes or more; fewer where no more comes in time."""
    got = bytearray()
    with suppress(TimeoutError):
        while True:
            # Once all is there a moment shows whether more than that comes.
            async with asyncio.timeout(_COMMAND_S if len(got) < count else _QUIET_S):
                got += await heard.read(65_536)
    return bytes(got)


def _tmux(socket: str, *words: str) -> Answer:
    return ask_program(["tmux", "-L", socket, *words], limit_s=_COMMAND_S)


__all__ = ["fly"]
