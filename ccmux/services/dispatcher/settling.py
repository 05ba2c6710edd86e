"""Settles what was typed: writes down how a typing ended, or finds it out where nobody saw its end.

It brings to its end what was begun. It never decides what is typed next.
"""

from __future__ import annotations

import asyncio

import structlog

from ccmux.core.echo import Echo, echo_of
from ccmux.core.failpoints import Point
from ccmux.core.gate import SCREEN_TICK_S, Shut
from ccmux.core.injection import IMAGE_REST_S, Outcome
from ccmux.core.messages import MessageState
from ccmux.core.observation import Hold, ScreenKind
from ccmux.core.state import Observation
from ccmux.ports import ExpectedPrompt, Reached, Store
from ccmux.services.dispatcher.lookout import Lookout
from ccmux.services.dispatcher.typist import Typed, Typist

RECONCILE_QUIET_S = 3.0
"""An idle Claude with an empty box and its transcript read, quiet for so long, never took our text."""

log = structlog.get_logger()


class Settling:
    """Sees every typed batch to a state that is true."""

    def __init__(self, *, store: Store, lookout: Lookout, typist: Typist, reached: Reached) -> None:
        self._store = store
        self._lookout = lookout
        self._typist = typist
        self._reached = reached
        self._given_back: set[int] = set()
        self._now_s = asyncio.get_running_loop().time

    async def begin(self) -> None:
        """Take over from the daemon before: what it was typing when it ended may have been taken, or not."""
        left_over = [m.id for m in await self._store.in_flight() if m.state is MessageState.TYPING]
        reason = "the daemon stopped while it was being typed"
        await self._store.move(left_over, MessageState.UNCERTAIN, reason=reason)

    async def unproved(self) -> list[ExpectedPrompt]:
        """Return the batches that need settling, oldest first."""
        return [batch for batch in await self._store.expected() if self._is_open(batch)]

    async def ended(self, ids: tuple[int, ...], typed: Typed) -> None:
        """Write down how the typing of these messages ended."""
        match typed.outcome:
            case Outcome.SUBMITTED:
                self._reached(Point.PROVED)
                await self._store.move(ids, MessageState.SUBMITTED, prompt_id=typed.prompt_id)
                self._reached(Point.SUBMITTED)
            case Outcome.REMOVED | Outcome.UNSENT:
                await self._store.move(ids, MessageState.QUEUED, reason=typed.reason)
            case Outcome.UNCERTAIN:
                await self._store.move(ids, MessageState.UNCERTAIN, reason=typed.reason)
        log.info(
            "message settled",
            message_ids=ids,
            outcome=typed.outcome.name.lower(),
            reason=typed.reason,
            enters=typed.enters,
            took_s=round(typed.took_s, 3),
        )

    async def settle(self, batch: ExpectedPrompt, seen: Observation) -> None:
        """Settle a batch of which nobody knows whether Claude took it.

        The transcript proves that it did (the turns service moves it then). Its text in the input box,
        alone, proves that it did not yet: it is brought to its end, also where only its lead got there.
        Neither, with Claude idle and quiet: it was lost.
        """
        screen, view = seen.screen, seen.view
        if not self._lookout.caught_up or seen.hold is not None:
            return
        if screen is None or screen.kind is not ScreenKind.PROMPT or view is None or view.in_mode:
            return
        quiet = self._now_s() - seen.changed_s >= RECONCILE_QUIET_S
        match echo_of(screen.draft, lead=batch.lead, body=batch.body):
            case Echo.OURS:
                log.info("typed text found in the input box", message_ids=batch.ids)
                await self._bring_to_its_end(batch, seen)
            case Echo.LEAD if quiet:
                log.info("beginning of typed text found in the input box", message_ids=batch.ids)
                await self._bring_to_its_end(batch, seen, batch.body)
            case Echo.NOTHING if quiet:
                await self._give_back(batch)
            case _:
                pass  # not drawn yet, or a person's

    async def _bring_to_its_end(self, batch: ExpectedPrompt, seen: Observation, *pastes: str) -> None:
        await self.ended(batch.ids, await self._typist.type(seen, batch, pastes, rest_s=IMAGE_REST_S))

    async def _give_back(self, batch: ExpectedPrompt) -> None:
        """Queue a batch again that Claude never took: once, or where a Claude that is gone explains it."""
        again = batch.typed_at < self._lookout.started_at or self._given_back.isdisjoint(batch.ids)
        self._given_back.update(batch.ids)
        reason = "Claude never reported it: neither in the transcript nor in the input box"
        state = MessageState.QUEUED if again else MessageState.DEAD
        await self._store.move(batch.ids, state, reason=reason)
        log.warning("message never reported", message_ids=batch.ids, outcome=state.value)

    def _is_open(self, batch: ExpectedPrompt) -> bool:
        """Tell whether a batch needs settling: unproved, or taken by a Claude that died before writing it."""
        return not batch.submitted or batch.typed_at < self._lookout.started_at


def while_unproved(batch: ExpectedPrompt, seen: Observation) -> Shut:
    """Return the queue's hold while nobody knows whether Claude took a batch."""
    draft = seen.screen.draft if seen.screen is not None else ""
    if echo_of(draft, lead=batch.lead, body=batch.body) in {Echo.FOREIGN, Echo.PARTLY}:
        return beside_ours()
    numbers = ", ".join(map(str, batch.ids))
    return Shut(Hold.SETTLING, f"it is being found out whether Claude took message {numbers}", SCREEN_TICK_S)


def beside_ours() -> Shut:
    """Return the queue's hold while a person's words stand beside ours in the input box."""
    detail = "somebody changed what ccmux typed there: attach, take your words out or send all of it"
    return Shut(Hold.DRAFT, detail, SCREEN_TICK_S)
