"""Builds the hosted session and takes it down, through libtmux: slow, rare, and in a thread of its own.

It finds things by exact name and by our own mark, never by what is active, and never types or reads. A server
is started with the environment that the caller chose, in the control group that the caller's words lead to.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import libtmux
import structlog
from libtmux.exc import LibTmuxException

from ccmux.ask_program import ask_program
from ccmux.core.errors import PaneLost
from ccmux.core.tmux_control import literal
from ccmux.drivers.tmux.leftover import Leftover

PLACEHOLDER = ("sleep", "infinity")
"""What a pane of ours runs before Claude does."""

IS_PLACEHOLDER = f"#{{==:#{{pane_start_command}},{' '.join(PLACEHOLDER)}}}"
"""Tells in a format whether a pane does: 1 or 0."""

_HISTORY_ROWS = "20000"
_MARK = ("@ccmux_role", "claude")

_START_S = 30.0
_NO_TMUX = "tmux is not on the PATH; install tmux 3.2 or later"

_T = TypeVar("_T")

log = structlog.get_logger()


def no_ways() -> Sequence[Sequence[str]]:
    """Lead a server nowhere: it starts in our own control group."""
    return ()


class TmuxServer:
    """The tmux server, as far as sessions are built and taken down; libtmux works in a thread of its own."""

    def __init__(
        self,
        socket_name: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        ways: Callable[[], Sequence[Sequence[str]]] = no_ways,
        limits: Mapping[int, tuple[int, int]] = {},
    ) -> None:
        """Take what is needed; no server is started yet.

        Args:
            socket_name: As in `tmux -L`; "" is the user's default server, also from inside another one.
            environment: What a server that we start gets, and whatever runs in it; None: our own.
            ways: Returns words to put before the command that starts a server, the best first; where all of
                them fail it is started without.
            limits: What a server that we start may use, and whatever runs in it: soft and hard, by their
                number in `resource`; all others are ours.
        """
        self.socket_name = socket_name or "default"
        self._environment = environment
        self._ways = ways
        self._limits = limits
        folder = (environment or {}).get("TMUX_TMPDIR") or "/tmp"  # noqa: S108 - tmux's own rule
        self.socket_path = Path(folder).resolve() / f"tmux-{os.getuid()}" / self.socket_name
        self._leftover = Leftover(self.socket_path)
        self._server = libtmux.Server(socket_name=self.socket_name)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="libtmux")

    async def ensure_session(self, session: str, *, cwd: str, width: int = 200, height: int = 50) -> str:
        """Return the id (`%7`) of Claude's pane in the session of exactly this name; build what is missing.

        A new pane runs a placeholder that does nothing until `ClaudePane.respawn`. The pane is known by its
        mark, whichever window or pane is active.

        Args:
            session: Letters, digits, `_` and `-`.
            cwd: Where the windows start that a person opens in a new session; absolute.
            width: Columns until somebody attaches.
            height: Rows until somebody attaches.

        Raises:
            PaneLost: tmux refused, or is not installed.
        """
        return await self._run(lambda: self._ensure(session, _word(literal(cwd)), width, height))

    async def hosts(self, session: str) -> bool:
        """Tell whether a program runs in Claude's pane of the session of exactly this name; make nothing.

        Raises:
            PaneLost: tmux is not installed, or the session went while we looked.
        """
        return await self._run(lambda: self._hosts(session))

    async def kill_session(self, session: str) -> tuple[int, ...]:
        """End the session and whatever runs in it; return the pids of its panes, () where there was none.

        They have got SIGHUP and need a moment to end.

        Raises:
            PaneLost: tmux refused, or is not installed.
        """
        return await self._run(lambda: self._kill(session))

    async def run_detached(self, argv: Sequence[str]) -> None:
        """Start a program below the tmux server, in no window.

        Its standard output is closed when the server ends. The shell between ends at once, or tmux would tell
        of the program's end in the pane that is shown.

        Raises:
            PaneLost: No server runs, or tmux is not installed.
        """
        shell = f"{shlex.join(argv)} </dev/null 2>/dev/null &"
        await self._run(lambda: self._tell("run-shell", "-b", literal(shell)))

    def close(self) -> None:
        """Let the thread go; the tmux server stays."""
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _ensure(self, session: str, cwd: str, width: int, height: int) -> str:
        found = self._find(session)
        if found is None:
            # The history's length is taken when a pane is made, so ours is made after the option is set. It
            # is one command, or a user's `destroy-unattached` would end the session between two.
            exact = f"={session}:"
            self._begin(
                *("new-session", "-d", "-s", session, "-c", cwd, "-x", str(width), "-y", str(height)),
                *(*PLACEHOLDER, ";"),
                *("set-option", "-t", exact, "destroy-unattached", "off", ";"),
                *("set-option", "-t", exact, "history-limit", _HISTORY_ROWS),
            )
            where = ["-k", "-t", f"{exact}^"]
        else:
            marked = self._tell("list-panes", "-s", "-t", found, "-F", "#{pane_id} #{@ccmux_role}")
            for line in marked:
                pane, _, role = line.partition(" ")
                if role == _MARK[1]:
                    return pane
            where = ["-d", "-t", f"{found}:"]
        new = ("-P", "-F", "#{pane_id}", "-n", "claude", "-c", cwd, *PLACEHOLDER)
        pane = self._tell("new-window", *where, *new)[0]
        self._tell(
            *("set-option", "-p", "-t", pane, "remain-on-exit", "on", ";"),
            *("set-option", "-p", "-t", pane, "allow-rename", "off", ";"),
            *("set-option", "-w", "-t", pane, "automatic-rename", "off", ";"),
            *("set-option", "-p", "-t", pane, *_MARK),
        )
        return pane

    def _hosts(self, session: str) -> bool:
        found = self._find(session)
        if found is None:
            return False
        panes = self._tell(
            *("list-panes", "-s", "-t", found, "-F"),
            f"#{{@ccmux_role}} #{{pane_dead}} {IS_PLACEHOLDER}",
        )
        return f"{_MARK[1]} 0 0" in panes

    def _kill(self, session: str) -> tuple[int, ...]:
        found = self._find(session)
        if found is None:
            return ()
        pids = tuple(map(int, self._tell("list-panes", "-s", "-t", found, "-F", "#{pane_pid}")))
        self._tell("kill-session", "-t", found)
        return pids

    def _find(self, session: str) -> str | None:
        """Return the id of the session with this name; None also where no server runs."""
        # libtmux's own look-ups, like `-t NAME`, are satisfied with a prefix.
        for line in self._ask("list-sessions", "-F", "#{session_id} #{session_name}").stdout:
            session_id, _, name = line.partition(" ")
            if name == session:
                return session_id
        return None

    def _begin(self, *words: str) -> None:
        """Do what starts the server where there is none."""
        if self._ask("list-sessions").returncode == 0:
            self._tell(*words)
            return
        refused = ""
        for way in (*self._ways(), ()):
            if refused and not way:
                log.warning("tmux shares our control group", reason=refused)
            refused = self._started([*way, "tmux", "-L", self.socket_name, *words])
            if not refused:
                self._leftover.forget()
                self._limit()
                return
        self._leftover.met()
        raise PaneLost(refused, during=words[0])

    def _limit(self) -> None:
        """Give a new server its limits; what it started for the user's tmux.conf keeps ours."""
        (pid,) = self._tell("display-message", "-p", "#{pid}")
        for which, limits in self._limits.items():
            with suppress(OSError):  # it is over already: the next command says so
                resource.prlimit(int(pid), which, limits)

    def _started(self, argv: Sequence[str]) -> str:
        """Run what starts a server; return "" where it did, else why not."""
        answer = ask_program(argv, environment=self._environment, limit_s=_START_S)
        if answer.is_missing:
            return _NO_TMUX if argv[0] == "tmux" else f"{argv[0]} is not on the PATH"
        return " ".join(answer.err.split()) or answer.failure if answer.exit_code != 0 else ""

    def _tell(self, *words: str) -> list[str]:
        answer = self._ask(*words)
        if answer.returncode:
            raise PaneLost(" ".join(answer.stderr) or "tmux failed", during=words[0])
        return answer.stdout

    def _ask(self, command: str, *words: str) -> libtmux.common.tmux_cmd:
        try:
            return self._server.cmd(command, *words)
        except LibTmuxException as error:
            reason = str(error) or _NO_TMUX
            raise PaneLost(reason, during=command) from error


def _word(argument: str) -> str:
    """Return `argument` for tmux's own argv, where a `;` at a word's end separates commands."""
    return f"{argument[:-1]}\\;" if argument.endswith(";") else argument
