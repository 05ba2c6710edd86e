"""Decides what is typed when: asks the gate, takes the next batch, gives way to what is not settled yet.

It owns the queue's hold and the public state. One typing at a time; every typed text is on disk before its
first key, and every key is gated on a look immediately before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

import structlog

from ccmux.core.continuation import is_continuation
from ccmux.core.echo import Echo, echo_of
from ccmux.core.errors import PaneLost, RequestRefused
from ccmux.core.events import Draft, EventType
from ccmux.core.failpoints import Point
from ccmux.core.gate import SAFETY_TICK_S, SCREEN_TICK_S, Shut, shut_by
from ccmux.core.injection import IMAGE_REST_S
from ccmux.core.messages import Message, MessageState
from ccmux.core.observation import Hold
from ccmux.core.patience import Patience, PutAside
from ccmux.core.prompt import InjectionLimits, build_prompt
from ccmux.core.state import Activity, Observation
from ccmux.ports import Clock, Pane, Reached, Sightings, Store, go_on
from ccmux.services.dispatcher.lookout import Lookout
from ccmux.services.dispatcher.settling import Settling, beside_ours, while_unproved
from ccmux.services.dispatcher.taking_back import TakingBack
from ccmux.services.dispatcher.typist import Typist

CUT_TURN_S = 3.0
"""So long after Claude's start the end of a turn that its last process left is told."""

log = structlog.get_logger()


class LongMessages(Protocol):
    """Where messages too long to type are kept as files."""

    def path_for(self, message: Message) -> str:
        """Return the absolute path for a message's text; the same message always gets the same."""
        ...

    async def write(self, path: str, text: str) -> None:
        """Write the text durably, readable by the owner alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherSettings:
    """What the dispatcher needs of the settings; seconds."""

    idle_threshold_s: float
    silence_s: float
    limits: InjectionLimits
    draft_patience_s: float = 0.0


class Dispatcher:
    """Types waiting messages into Claude, and tells the world what they wait for."""

    name = "dispatcher"

    def __init__(
        self,
        *,
        store: Store,
        sightings: Sightings,
        pane: Pane,
        clock: Clock,
        long_messages: LongMessages,
        settings: DispatcherSettings,
        suspended: Callable[[int], bool],
        reached: Reached = go_on,
    ) -> None:
        """Wire it up. `suspended` tells whether a process is stopped (Ctrl-Z)."""
        self._store = store
        self._pane = pane
        self._clock = clock
        self._long_messages = long_messages
        self._settings = settings
        self._lookout = Lookout(
            sightings=sightings,
            pane=pane,
            clock=clock,
            silence_s=settings.silence_s,
            suspended=suspended,
        )
        self._reached = reached
        self._typist = Typist(
            lookout=self._lookout,
            pane=pane,
            reached=reached,
            is_paused=lambda: self._paused,
            in_the_way=self._held_in_the_box,
        )
        self._patience = Patience(
            patience_s=settings.draft_patience_s, idle_threshold_s=settings.idle_threshold_s
        )
        self._now_s = asyncio.get_running_loop().time
        self._paused = False
        self._settling = Settling(store=store, lookout=self._lookout, typist=self._typist, reached=reached)
        self._taking_back = TakingBack(store=store, lookout=self._lookout, typist=self._typist)
        self._shut: Shut | None = None
        self._shut_since_s = self._now_s()
        self._said = False
        self._told: tuple[Activity, Hold | None] | None = None

    # ------------------------------------------------------------------------------------ what others ask

    def status(self) -> Mapping[str, Any]:
        """Return what is known now: state, hold, detail, held_s, paused, pid."""
        seen = self._lookout.observe()
        shut = self._shut
        return {
            "state": seen.activity.value,
            "hold": shut.hold.value if shut else None,
            "detail": shut.detail if shut else "",
            "held_s": round(self._now_s() - self._shut_since_s, 1) if shut else 0.0,
            "paused": self._paused,
            "pid": self._lookout.pid,
        }

    async def pause(self) -> None:
        """Hold injection until `resume`, over restarts too."""
        await self._store.pause(on=True)
        self._paused = True
        self._hold(self._judge(self._lookout.observe()))

    async def resume(self) -> None:
        """Go on injecting."""
        await self._store.pause(on=False)
        self._paused = False
        self._lookout.nudge()

    async def interrupt(self) -> None:
        """Press Escape in a Claude that is at work.

        Raises:
            RequestRefused: It is not at work: Escape would do something else there.
        """
        # Not a look: that would take from the dispatcher's own task what it waits for.
        seen = self._lookout.observe()
        if self._typist.is_typing or seen.hold is not Hold.GENERATING:
            raise RequestRefused(f"Claude is not at work ({seen.activity}): there is nothing to interrupt")
        await self._pane.press("Escape")
        self._taking_back.expect(self._typist.last)
        self._lookout.nudge()
        log.info("claude interrupted", by="command")

    # -------------------------------------------------------------------------------------------- the task

    async def run(self) -> NoReturn:
        """Dispatch until cancelled."""
        self._paused = await self._store.paused()
        await self._settling.begin()
        while True:
            try:
                again_s = await self._step()
            except PaneLost as error:
                log.warning("pane lost", during=error.during)
                again_s = SAFETY_TICK_S
            if not self._lookout.queue_grew:
                await self._lookout.wait(again_s)

    async def _step(self) -> float | None:
        """Do what can be done now; return seconds until another step is worth it, None: until a sighting."""
        self._lookout.queue_grew = False
        await self._taking_back.bury_blocked()
        waiting = await self._store.waiting(self._settings.limits.batch_messages)
        unproved = await self._settling.unproved()
        seen = self._lookout.observe()
        starting = seen.activity is Activity.STARTING
        is_look_due = waiting or unproved or starting or self._taking_back.is_awaited
        if is_look_due and not self._is_reported(seen):
            seen = await self._lookout.look()
        if await self._taking_back.take_back(seen):
            return 0.0
        judged = self._patience.weigh(seen, self._judge(seen), now_s=self._now_s())
        if isinstance(judged, PutAside):
            return await self._put_aside(seen)
        shut = judged
        await self._tell_state(seen, shut)
        if unproved:
            self._hold(shut or while_unproved(unproved[0], seen), waiting=len(waiting))
            await self._settling.settle(unproved[0], seen)
            return SCREEN_TICK_S
        if not waiting:
            self._hold(shut if shut is not None and shut.hold is not Hold.SETTLING else None)
            if starting:
                return SCREEN_TICK_S
            return None if seen.activity in {Activity.IDLE, Activity.DOWN} else SAFETY_TICK_S
        self._hold(shut, waiting=len(waiting))
        if shut is not None:
            return shut.again_s
        if not is_continuation(waiting[0]) and await self._is_cut_turn_open():
            return SCREEN_TICK_S
        await self._inject(waiting)
        return 0.0

    def _is_reported(self, seen: Observation) -> bool:
        """Tell whether a hold stands that Claude itself will report the end of: no look is needed."""
        return self._paused or seen.hold in {Hold.NOT_RUNNING, Hold.GENERATING, Hold.USAGE_LIMIT}

    def _judge(self, seen: Observation) -> Shut | None:
        shut = shut_by(
            seen,
            paused=self._paused,
            idle_threshold_s=self._settings.idle_threshold_s,
            now_s=self._now_s(),
        )
        last = self._typist.last
        if shut is None or shut.hold is not Hold.DRAFT or last is None or seen.screen is None:
            return shut
        if echo_of(seen.screen.draft, lead=last.lead, body=last.body) is not Echo.OURS:
            return shut
        return replace(shut, detail="Claude gave back what ccmux typed (Esc): attach, then send or delete it")

    def _hold(self, shut: Shut | None, *, waiting: int = 0) -> None:
        """Remember the queue's hold; say it once, as soon as messages wait for its end."""
        before = self._shut.hold if self._shut else None
        self._shut = shut
        if shut is None or shut.hold is not before:
            self._shut_since_s = self._now_s()
            self._said = False
        if shut is not None and waiting and not self._said and shut.hold is not Hold.SETTLING:
            self._said = True
            log.info(f"injection suppressed: {shut.hold}", hold=shut.hold.value, waiting=waiting)  # noqa: G004 - the words users look for

    async def _tell_state(self, seen: Observation, shut: Shut | None) -> None:
        hold = shut.hold if shut is not None and shut.hold is not Hold.SETTLING else None
        if (seen.activity, hold) == self._told:
            return
        self._told = (seen.activity, hold)
        fields = {"state": seen.activity.value, "hold": hold.value if hold else None}
        await self._store.record(Draft(type=EventType.STATE, fields=fields))
        log.info("state changed", state=seen.activity.value, hold=fields["hold"])

    # ---------------------------------------------------------------------------------------------- typing

    async def _inject(self, waiting: list[Message]) -> None:
        prompt = build_prompt(
            waiting,
            hhmm=self._clock.hhmm,
            now_s=self._clock.now(),
            limits=self._settings.limits,
            spill_path=self._long_messages.path_for,
        )
        for path, text in prompt.spills:
            await self._long_messages.write(path, text)
        await self._store.begin_typing(prompt.ids, lead=prompt.lead, body=prompt.body)
        self._reached(Point.TYPING)
        # The commit took a while: a person or a turn may have come between.
        seen = await self._lookout.look()
        shut = self._judge(seen)
        if shut is not None:
            await self._store.move(prompt.ids, MessageState.QUEUED, reason=shut.hold.value)
            return
        rest_s = IMAGE_REST_S if prompt.names_image else 0.0
        log.info("injecting messages", message_ids=prompt.ids, message_count=len(prompt.ids))
        await self._settling.ended(
            prompt.ids, await self._typist.type(seen, prompt, prompt.pastes, rest_s=rest_s)
        )

    async def _held_in_the_box(self, seen: Observation, echo: Echo) -> None:
        """Tell what keeps a text that stands in the box from its Enter."""
        if self._paused or seen.hold is not None or seen.view is None or seen.view.in_mode:
            shut = self._judge(seen)
        elif echo in {Echo.FOREIGN, Echo.PARTLY, Echo.LEAD}:
            shut = beside_ours()
        else:
            shut = None
        self._hold(shut, waiting=1)
        await self._tell_state(seen, shut)

    async def _put_aside(self, seen: Observation) -> float:
        """Put a person's draft aside; the next step sees whether the gate is open then."""
        worked = await self._typist.put_aside(seen, self._patience)
        log.info("draft put aside" if worked else "draft not put aside")
        return 0.0 if worked else SCREEN_TICK_S

    async def _is_cut_turn_open(self) -> bool:
        """Tell whether a turn that the last Claude left may yet be told as crashed: what goes on is first."""
        if self._clock.now() - self._lookout.started_at > CUT_TURN_S:
            return False
        return any(message.state is MessageState.STARTED for message in await self._store.in_flight())
