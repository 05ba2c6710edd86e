"""Lifecycle: owns Claude's process. Starts it, adopts a running one, sees its end at once, starts it again.

It never ends a healthy Claude, and never types. Which conversation is resumed is decided in
`core/session_plan.py`, how long to wait in `core/backoff.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from ccmux.core.backoff import restart_wait_s
from ccmux.core.errors import ClaudeNotFound, PaneLost
from ccmux.core.events import Draft, EventType
from ccmux.core.last_words import last_words
from ccmux.core.launch import Launch
from ccmux.core.observation import PaneProcess, ProcessSeen, SessionSeen
from ccmux.core.session_plan import SessionPlan, plan_session
from ccmux.ports import HostedSession, Processes, Sightings, Store, Terminal

REBUILD_WAIT_S = 0.5
"""After the tmux session was lost: whoever ended it gets this long before it is built again."""

EARLY_S = 30.0
"""A Claude that ends so soon after its start may well do so again."""

log = structlog.get_logger()


class Transcripts(Protocol):
    """Claude's transcript files."""

    def holds_conversation(self, path: str) -> bool:
        """Tell whether the file is there and holds at least one prompt."""
        ...

    def transcript_path(self, cwd: str, session_id: str) -> str:
        """Return where the transcript of a conversation is that was started in `cwd`, or will be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """Table [recovery]; seconds. `reset_after_s` 0: the count of restarts is never reset."""

    backoff_initial_s: float
    backoff_cap_s: float
    reset_after_s: float


class Lifecycle:
    """Keeps one Claude running in its pane."""

    name = "lifecycle"

    def __init__(
        self,
        *,
        store: Store,
        sightings: Sightings,
        terminal: Terminal,
        processes: Processes,
        transcripts: Transcripts,
        prepare: Callable[[SessionPlan], Awaitable[Launch]],
        new_id: Callable[[], str],
        settings: RecoverySettings,
        cwd: str,
    ) -> None:
        """Wire it up.

        Args:
            store: Remembers the hosted conversation.
            sightings: Where it tells of Claude's process.
            terminal: Claude's pane.
            processes: Claude's process.
            transcripts: Claude's conversations.
            prepare: Writes what a start needs and returns how to start.
            new_id: Makes a UUID.
            settings: Table [recovery].
            cwd: Where Claude is started.
        """
        self._store = store
        self._sightings = sightings
        self._terminal = terminal
        self._processes = processes
        self._transcripts = transcripts
        self._prepare = prepare
        self._new_id = new_id
        self._settings = settings
        self._cwd = cwd
        self._now_s = asyncio.get_running_loop().time
        self._hosting = False
        self._has_hosted = False
        self._pid: int | None = None
        self._since_s = 0.0
        self.restarts = 0
        """How often Claude was started again since this daemon runs."""
        self._early_ends = 0

    @property
    def early_ends(self) -> int:
        """How often in a row Claude ended soon after its start; 0 once one has lived longer."""
        lives_on = self._hosting and self._now_s() - self._since_s >= EARLY_S
        return 0 if lives_on else self._early_ends

    async def run(self) -> NoReturn:
        """Keep Claude running until cancelled."""
        hosted = await self._store.hosted()
        if hosted is not None:
            path = self._transcript_of(hosted)
            self._sightings.tell(SessionSeen(session_id=hosted.session_id, transcript_path=path))
        while True:
            try:
                await self._host()
            except PaneLost as error:
                log.warning("pane lost", during=error.during, reason=str(error))
                await asyncio.sleep(REBUILD_WAIT_S)
            except ClaudeNotFound as error:
                if not self._has_hosted:
                    raise
                # It was there before: an update replaces it just now, or somebody will want it back.
                log.warning("claude not started", reason=str(error), wait_s=self._settings.backoff_cap_s)
                await asyncio.sleep(self._settings.backoff_cap_s)

    async def _host(self) -> None:
        """Host one Claude to its end, and wait what is due before the next."""
        await self._terminal.open()
        process = await self._terminal.process()
        if process.pid is None:
            if self._hosting:
                await self._mourn(process)
            await self._start()
            process = await self._terminal.process()
        if process.pid is None:
            return  # it ended before it was seen alive; the next round says how
        if process.pid != self._pid:
            self._welcome(process.pid)
        await self._until_gone(process.pid)

    async def _start(self) -> None:
        hosted = await self._store.hosted()
        there = hosted is not None and self._transcripts.holds_conversation(self._transcript_of(hosted))
        plan = plan_session(
            hosted.session_id if hosted is not None else None,
            spoken=there or (hosted is not None and hosted.spoken),
            transcript_exists=there,
            new_id=self._new_id(),
        )
        if plan.lost is not None:
            log.error("conversation lost, starting a new one", session_id=plan.lost, reason="no transcript")
        launch = await self._prepare(plan)
        if not plan.resume:
            new = HostedSession(session_id=plan.session_id, transcript_path="", spoken=False, offset=0)
            await self._store.host(new)
        await self._terminal.respawn(launch.argv, env=launch.env, unset=launch.unset, cwd=launch.cwd)
        self._hosting, self._since_s = True, self._now_s()
        self._has_hosted = True
        event = "resumed" if plan.resume else "started"
        process = await self._terminal.process()
        await self._record(event, pid=process.pid, session_id=plan.session_id, lost=plan.lost)
        log.info("claude started", pid=process.pid, session_id=plan.session_id, resumed=plan.resume)

    def _transcript_of(self, hosted: HostedSession) -> str:
        """Return its transcript, also where the word of the hook that names it died with a daemon."""
        return hosted.transcript_path or self._transcripts.transcript_path(self._cwd, hosted.session_id)

    def _welcome(self, pid: int) -> None:
        adopted = not self._hosting
        self._hosting, self._has_hosted, self._pid = True, True, pid
        self._sightings.tell(ProcessSeen(pid=pid, started_at=self._processes.started_at(pid)))
        log.info("claude hosted", pid=pid, adopted=adopted)

    async def _until_gone(self, pid: int) -> None:
        """Return once Claude has ended or the connection to tmux is lost."""
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(self._processes.wait_exit(pid), name="lifecycle-exit")
            lost = group.create_task(self._terminal.wait_closed(), name="lifecycle-tmux")
            await asyncio.wait({ended, lost}, return_when=asyncio.FIRST_COMPLETED)
            is_over = ended.done()
            ended.cancel()
            lost.cancel()
        if is_over:
            self._sightings.tell(ProcessSeen(pid=None))

    async def _mourn(self, process: PaneProcess) -> None:
        """Say how Claude ended and wait what is due."""
        ran_s = self._now_s() - self._since_s
        self._early_ends = self._early_ends + 1 if ran_s < EARLY_S else 0
        if 0 < self._settings.reset_after_s <= ran_s:
            self.restarts = 0
        wait_s = restart_wait_s(
            self.restarts,
            initial_s=self._settings.backoff_initial_s,
            cap_s=self._settings.backoff_cap_s,
        )
        event = "exited" if process.exit_status == 0 else "crashed"
        ended_by = process.exit_status if process.exit_signal is None else -process.exit_signal
        await self._record(event, pid=self._pid, exit=ended_by, backoff_s=wait_s)
        log.warning("claude ended", outcome=event, pid=self._pid, exit_code=ended_by, wait_s=wait_s)
        self._hosting, self._pid = False, None
        self._sightings.tell(ProcessSeen(pid=None, reason=await self._reason(ended_by, wait_s)))
        await asyncio.sleep(wait_s)
        self.restarts += 1

    async def _reason(self, ended_by: int | None, wait_s: float) -> str:
        """Return for a person why Claude does not run. Its words go to who asks, never to the log."""
        how = "its pane is gone" if ended_by is None else f"it ended with {ended_by}"
        said = last_words(await self._terminal.last_rows())
        return f"{how} and starts again in {wait_s:g} s" + (f"; it said: {said}" if said else "")

    async def _record(self, event: str, **fields: object) -> None:
        draft = Draft(type=EventType.CLAUDE, fields={"event": event, "restarts": self.restarts, **fields})
        await self._store.record(draft)
