"""The lookout: owns what is known of Claude now. It hears, looks at the pane and waits; it types nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from ccmux.core.observation import (
    CaughtUp,
    Hold,
    HookSeen,
    ProcessSeen,
    PromptBlocked,
    PromptSeen,
    QueueGrew,
    RegistrySeen,
    Sighting,
    TurnSeen,
)
from ccmux.core.proof import Match, carries
from ccmux.core.screen import read_screen
from ccmux.core.state import Activity, Fusion, Observation
from ccmux.ports import Clock, Pane, Sightings


@dataclass(frozen=True, slots=True)
class Proof:
    """A prompt that Claude reported; `prompt_id` is its turn's, None where the reporter does not know it."""

    text: str
    prompt_id: str | None


class Lookout:
    """Folds what is told and what the pane shows into observations."""

    def __init__(
        self,
        *,
        sightings: Sightings,
        pane: Pane,
        clock: Clock,
        silence_s: float,
        suspended: Callable[[int], bool],
    ) -> None:
        """Wire it up. `suspended` tells whether a process is stopped (Ctrl-Z)."""
        self._ear = sightings.listen(
            ProcessSeen, RegistrySeen, HookSeen, PromptSeen, PromptBlocked, TurnSeen, CaughtUp, QueueGrew
        )
        self._pane = pane
        self._clock = clock
        self._suspended = suspended
        self._fusion = Fusion(silence_s=silence_s, local=clock.local)
        self._now_s = asyncio.get_running_loop().time
        self._proofs: list[Proof] = []
        self._blocked: list[PromptBlocked] = []
        self.caught_up = False
        """The transcript has been read to its end once."""
        self.queue_grew = True
        """Messages came since this was last set False."""

    @property
    def pid(self) -> int | None:
        """Claude's process, None where it does not run."""
        return self._fusion.pid

    @property
    def started_at(self) -> float:
        """Epoch seconds of Claude's start, 0 where unknown."""
        return self._fusion.started_at

    async def wait(self, after_s: float | None) -> None:
        """Wait until something is heard, `after_s` seconds at most (None: for ever), and fold it."""
        try:
            async with asyncio.timeout(after_s):
                self._fold(await self._ear.next())
        except TimeoutError:
            pass
        self.hear()

    def nudge(self) -> None:
        """End a `wait` that is under way."""
        self._ear.put(QueueGrew())

    def hear(self) -> None:
        """Fold what has been told meanwhile."""
        for sighting in self._ear.drain():
            self._fold(sighting)

    def observe(self) -> Observation:
        """Return what is known, without a look."""
        return self._fusion.observe(now_s=self._now_s(), now=self._clock.now())

    async def look(self) -> Observation:
        """Look at the pane and return what is known then.

        Raises:
            PaneLost: There is no pane to look at.
        """
        view = await self._pane.look()
        self.hear()
        self._fusion.look(view, read_screen(view), now_s=self._now_s())
        seen = self.observe()
        if self.pid is not None and self._suspended(self.pid):
            way_out = f"Claude is suspended (Ctrl-Z); `kill -CONT {self.pid}` wakes it"
            return replace(seen, activity=Activity.DOWN, hold=Hold.NOT_RUNNING, detail=way_out)
        return seen

    def forget_proofs(self) -> None:
        """Start a new typing: what was reported before proves nothing about it."""
        self._proofs.clear()

    def proof_of(self, *, lead: str, body: str) -> Proof | None:
        """Return the report that carries this text, None if there is none yet."""
        for proof in self._proofs:
            if carries(proof.text, lead=lead, body=body) is not Match.NO:
                return proof
        return None

    def blocked(self) -> list[PromptBlocked]:
        """Return the prompts that were told to be blocked since the last call."""
        told, self._blocked = self._blocked, []
        return told

    def _fold(self, sighting: Sighting) -> None:
        match sighting:
            case QueueGrew():
                self.queue_grew = True
            case CaughtUp():
                self.caught_up = True
            case PromptBlocked():
                self._blocked.append(sighting)
            case PromptSeen(text=text, prompt_id=prompt_id):
                self._proofs.append(Proof(text, prompt_id))
            case HookSeen(event=event) if event.name == "UserPromptSubmit" and not event.in_subagent:
                self._proofs.append(Proof(str(event.payload.get("prompt", "")), event.prompt_id))
        self._fusion.hear(sighting, now_s=self._now_s())
