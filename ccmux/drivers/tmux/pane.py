"""The pane Claude lives in: the port `Pane`, and what lifecycle does to it. It decides nothing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from ccmux.core.errors import PaneLost
from ccmux.core.observation import PaneProcess, PaneView
from ccmux.core.tmux_control import Answer, literal, quote
from ccmux.drivers.tmux.client import ControlClient
from ccmux.drivers.tmux.server import IS_PLACEHOLDER, TmuxServer

KEYS = frozenset({"Enter", "Escape", "C-s", "C-u"})
"""The only keys that are ever pressed; text goes through `paste`."""

_BUFFER = "ccmux-paste"
_REAP_WAIT_S = 0.5
_REAP_LOOK_S = 0.02
_SCREEN = "#{session_id} #{cursor_x} #{cursor_y} #{pane_in_mode} #{pane_dead} #{session_last_attached} "
_PROCESS = f"{IS_PLACEHOLDER} #{{pane_pid}} #{{pane_dead}} =#{{pane_dead_status}} =#{{pane_dead_signal}}"
_CLIENT = "#{client_control_mode} #{session_id} #{pane_id} #{client_activity} #{client_created}"


class ClaudePane:
    """The pane Claude lives in: the port `Pane`, and what lifecycle does to it."""

    def __init__(
        self,
        server: TmuxServer,
        session: str,
        *,
        cwd: str,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing happens before `open`.

        Args:
            server: Where the session is.
            session: Its exact name.
            cwd: Where a new session starts; absolute.
            now: Wall time in epoch seconds, for the age of a person's last key.
            monotonic: Seconds that nobody sets back, for the same.
        """
        self._server = server
        self._session = session
        self._cwd = cwd
        self._now = now
        self._monotonic = monotonic
        self._to_come: dict[int, float] = {}
        self._client: ControlClient | None = None
        self._pane = ""

    async def open(self) -> None:
        """Build what is missing of session and pane, and attach; an open pane stays as it is.

        Raises:
            PaneLost: tmux refused, or is not installed.
        """
        if self._client is not None:
            if not self._client.gone.is_set():
                return
            await self.close()
        self._pane = await self._server.ensure_session(self._session, cwd=self._cwd)
        self._client = await ControlClient.attached(self._server.socket_name, self._session)

    async def wait_closed(self) -> None:
        """Return once the client is lost or closed; at once where nothing is open."""
        if self._client is not None:
            await self._client.gone.wait()

    async def close(self) -> None:
        """Let the client go; session and pane stay."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def kill_session(self) -> None:
        """End the session and whatever runs in it.

        Raises:
            PaneLost: tmux refused, or is not installed.
        """
        await self.close()
        await self._server.kill_session(self._session)

    async def look(self) -> PaneView:
        """Return what a person would see now, and how long ago one last pressed a key here.

        A person who attached and pressed nothing is nobody. tmux counts whole seconds: the age given is
        never longer than the true one.
        """
        rows, screen, clients = await self._call(
            "look",
            f"capture-pane -e -p -t {self._pane}",
            f"display-message -p -t {self._pane} {quote(_SCREEN + self._keys())}",
            f"list-clients -F {quote(_CLIENT)}",
        )
        session, column, row, in_mode, dead, attached_at, mark = screen.lines[0].split(b" ")
        now = self._now()
        people = [
            (int(activity), int(created))
            for control, its_session, its_pane, activity, created in (
                line.split(b" ") for line in clients.lines
            )
            if control != b"1" and (its_session == session or its_pane == self._pane.encode())
        ]
        ages_s = [self._age_s(activity, now) for activity, created in people if activity != created]
        stamps = [int(stamp) for stamp in mark.strip(b";").split(b";")]
        last = max(stamps)
        # What stands there is our own attaching, and that second is over: no key hides in it.
        is_ours = last == int(attached_at) < int(now) and all(max(person) < last - 1 for person in people)
        return PaneView(
            rows=tuple(line.decode("utf-8", "replace") for line in rows.lines),
            cursor=(int(column), int(row)),
            in_mode=in_mode != b"0",
            dead=dead != b"0",
            human_idle_s=min(ages_s, default=None),
            keys_quiet_s=math.inf if is_ours else min(self._age_s(stamp, now) for stamp in stamps),
            keys_mark=mark.decode(),
        )

    def _age_s(self, stamp: int, now: float) -> float:
        """Return how long ago this second of tmux's surely was; never longer than the truth.

        One that is still to come is from before the clock was set back: it ages from when it was first seen.
        """
        if stamp <= now:
            return max(0.0, now - stamp - 1.0)
        monotonic_s = self._monotonic()
        return monotonic_s - self._to_come.setdefault(stamp, monotonic_s)

    async def last_rows(self) -> tuple[str, ...]:
        """Return the rows that a program which ended left behind.

        tmux scrolls them up by one to make room for its own remark: the row above the screen belongs to them.
        """
        rows, *_ = await self._call("last_rows", f"capture-pane -p -S -1 -t {self._pane}")
        return tuple(line.decode("utf-8", "replace") for line in rows.lines)

    async def paste(self, *texts: str, since: PaneView | None = None) -> bool:
        """Send texts as one bracketed paste each; newlines stay newlines, nothing is submitted.

        Raises:
            ValueError: One holds a NUL.
            PaneLost: The pane is gone.
        """
        buffers = [f"{_BUFFER}-{number}" for number in range(len(texts))]
        lines = [
            f"set-buffer -b {buffer} -- {quote(text)}" for buffer, text in zip(buffers, texts, strict=True)
        ]
        return await self._send(
            "paste",
            [f"paste-buffer -p -r -d -b {buffer} -t {self._pane}" for buffer in buffers],
            before=lines,
            instead=[f"delete-buffer -b {buffer}" for buffer in buffers],
            since=since,
        )

    async def press(self, key: str, *, since: PaneView | None = None) -> bool:
        """Press one of `KEYS`.

        Raises:
            ValueError: It is none of them.
            PaneLost: The pane is gone.
        """
        if key not in KEYS:
            raise ValueError(f"{key!r} is no key that ccmux presses")
        keys = [f"send-keys -t {self._pane} {key}"]
        return await self._send("press", keys, instead=["display-message -p none"], since=since)

    async def respawn(
        self, argv: Sequence[str], *, env: Mapping[str, str], unset: Collection[str], cwd: str
    ) -> None:
        """Replace what runs in the pane by `argv`, as the pane's own process: no shell between.

        Everything goes over the client's standard input, so no value of `env` stands in a process list, and
        `env` is this process's alone: later panes of the session do not get it.

        Args:
            argv: The program, found on the PATH of the new environment, and its arguments.
            env: Variables over those of the tmux server.
            unset: Names the program shall not get from the tmux server.
            cwd: Absolute; must exist, else tmux takes the home directory.

        Raises:
            ValueError: An argument holds a NUL.
            PaneLost: The pane is gone.
        """
        # tmux hands a single word to a shell, several to execvp(3).
        words = argv if len(argv) > 1 else ("sh", "-c", 'exec "$0"', *argv)
        variables = " ".join(f"-e {quote(f'{name}={value}')}" for name, value in env.items())
        await self._call(
            "respawn",
            *(f"set-environment -t {self._pane} -r {quote(name)}" for name in sorted(unset)),
            f"respawn-pane -k -t {self._pane} -c {quote(literal(cwd))} {variables} -- "
            + " ".join(map(quote, words)),
        )

    async def process(self) -> PaneProcess:
        """Return what became of the pane's own process.

        Raises:
            PaneLost: The pane is gone.
        """
        process = await self._ask_process()
        until_s = asyncio.get_running_loop().time() + _REAP_WAIT_S
        # The terminal closes a moment before tmux hears how the process ended, and tmux 3.3a misses that word
        # about one time in four with a program of many threads; any other child's end makes it look again.
        while process.dead and process.exit_status is process.exit_signal is None:
            if asyncio.get_running_loop().time() > until_s:
                break
            await self._call("process", "run-shell -b :")
            await asyncio.sleep(_REAP_LOOK_S)
            process = await self._ask_process()
        return process

    async def _send(
        self,
        during: str,
        commands: Sequence[str],
        *,
        before: Sequence[str] = (),
        instead: Sequence[str],
        since: PaneView | None,
    ) -> bool:
        """Run commands, with `since` only where keys reach Claude and none came since then.

        The server checks and runs them in one go: what it reads from a client it handles before or behind.

        Args:
            during: For the error.
            commands: What reaches the pane.
            before: What must be ready, and reaches nothing.
            instead: As many commands as `commands`, for the other case: every command is answered.
            since: The look that the decision stands on.
        """
        if since is None:
            await self._call(during, *before, *commands)
            return True
        untouched = f"#{{&&:#{{==:#{{pane_in_mode}},0}},#{{==:{self._keys()},{since.keys_mark}}}}}"
        sent = quote(" ; ".join([*commands, "display-message -p sent"]))
        not_sent = quote(" ; ".join([*instead, "display-message -p not"]))
        *_, said = await self._call(
            during,
            *before,
            f"if-shell -F -t {self._pane} {quote(untouched)} {sent} {not_sent}",
            more_answers=len(commands) + 1,
        )
        return said.lines == (b"sent",)

    def _keys(self) -> str:
        """Return the format of `PaneView.keys_mark`: when the last key came, for each session that counts.

        These are the session itself, and others whose active pane is ours (a window can be linked).
        """
        counts = f"#{{||:#{{==:#{{session_name}},{self._session}}},#{{==:#{{pane_id}},{self._pane}}}}}"
        return f"#{{S:#{{?{counts},#{{session_activity}};,}}}}"

    async def _ask_process(self) -> PaneProcess:
        answer, *_ = await self._call("process", f"display-message -p -t {self._pane} {quote(_PROCESS)}")
        placeholder, pid, dead, status, signal = answer.lines[0].decode().split(" ")
        ended = dead == "1"
        return PaneProcess(
            pid=None if ended or placeholder == "1" else int(pid),
            dead=ended,
            exit_status=int(status[1:]) if ended and status[1:] else None,
            exit_signal=int(signal[1:]) if ended and signal[1:] else None,
        )

    async def _call(self, during: str, *lines: str, more_answers: int = 0) -> list[Answer]:
        if self._client is None:
            raise PaneLost("it is not open", during=during)
        return await self._client.call(during, *lines, more_answers=more_answers)
