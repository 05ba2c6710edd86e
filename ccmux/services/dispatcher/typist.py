"""The typist: one prompt from its paste to its outcome, as the machine in `core/injection.py` says.

Whatever it sends it sends only if no person has pressed a key since the look it decided by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ccmux.core.echo import Echo, echo_of
from ccmux.core.errors import PaneLost
from ccmux.core.failpoints import Point
from ccmux.core.gate import KEYS_DRAWN_S
from ccmux.core.injection import PATIENT_TICK_S, Finished, Injection, LookAgain, Outcome, PressEnter
from ccmux.core.observation import ScreenKind
from ccmux.core.patience import PROOF_TICK_S, PROOF_WAIT_S, Patience
from ccmux.core.prompt import Prompt
from ccmux.core.state import Observation
from ccmux.ports import ExpectedPrompt, Pane, Reached
from ccmux.services.dispatcher.lookout import Lookout

TAKE_BACK_S = 3.0
TAKE_BACK_PRESSES = 12
"""What is given back has three lines at most, or is one placeholder; Ctrl-U takes half a line break too."""


Text = Prompt | ExpectedPrompt
"""What is typed: just built, or begun in an earlier life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How a typing ended; `prompt_id` is Claude's turn where it was reported with it."""

    outcome: Outcome
    reason: str = ""
    prompt_id: str | None = None
    enters: int = 0
    took_s: float = 0.0


class Typist:
    """Types what it is given; the caller has checked the gate and put the intent on disk.

    Attributes:
        is_typing: A text is on its way.
        last: The text typed last, None before the first.
    """

    def __init__(
        self,
        *,
        lookout: Lookout,
        pane: Pane,
        reached: Reached,
        is_paused: Callable[[], bool],
        in_the_way: Callable[[Observation, Echo], Awaitable[None]],
    ) -> None:
        """Wire it up. `in_the_way` is told what keeps a typed text from its Enter, look after look."""
        self._lookout = lookout
        self._pane = pane
        self._reached = reached
        self._is_paused = is_paused
        self._in_the_way = in_the_way
        self._now_s = asyncio.get_running_loop().time
        self.is_typing = False
        self.last: Text | None = None

    async def type(
        self, seen: Observation, text: Text, pastes: tuple[str, ...], *, rest_s: float = 0.0
    ) -> Typed:
        """Paste, see it in the box, press Enter, and wait for the proof.

        Args:
            seen: The look by which the caller decided.
            text: What is to stand in the box before Enter.
            pastes: What is sent, one bracketed paste each; nothing where the text stands in the box already.
            rest_s: How long the text must stand in the box before Enter.
        """
        self.is_typing, self.last = True, text
        try:
            return await self._type(seen, pastes, lead=text.lead, body=text.body, rest_s=rest_s)
        except PaneLost:
            return Typed(outcome=Outcome.UNCERTAIN, reason="the tmux pane went away while it was being typed")
        finally:
            self.is_typing = False

    async def _type(
        self, seen: Observation, pastes: tuple[str, ...], *, lead: str, body: str, rest_s: float
    ) -> Typed:
        self._lookout.forget_proofs()
        if pastes:
            if not await self._pane.paste(*pastes, since=seen.view):
                return Typed(outcome=Outcome.UNSENT, reason="somebody pressed a key just then")
            self._reached(Point.PASTED)
        began_s = self._now_s()
        injection = Injection(now_s=began_s, rest_s=rest_s)
        pid = self._lookout.pid
        while True:
            seen = await self._lookout.look()
            now_s = self._now_s()
            proof = self._lookout.proof_of(lead=lead, body=body)
            if proof is not None:
                done = Finished(Outcome.SUBMITTED)
            elif self._lookout.pid != pid:
                done = Finished(Outcome.UNCERTAIN, "Claude ended while it was being typed")
            else:
                echo = _echo(seen, lead, body)
                free = _free(seen) and not self._is_paused()
                match injection.looked(echo, free=free, now_s=now_s):
                    case PressEnter():
                        if await self._pane.press("Enter", since=seen.view):
                            injection.entered(now_s=now_s)
                            self._reached(Point.ENTERED)
                        continue
                    case LookAgain(after_s):
                        if after_s >= PATIENT_TICK_S and not injection.enters:
                            await self._in_the_way(seen, echo)
                        await self._lookout.wait(after_s)
                        continue
                    case Finished() as done:
                        pass
            return Typed(
                outcome=done.outcome,
                reason=done.reason,
                prompt_id=proof.prompt_id if proof is not None else None,
                enters=injection.enters,
                took_s=now_s - began_s,
            )

    async def put_aside(self, seen: Observation, patience: Patience) -> bool:
        """Press Ctrl-S on the draft of `seen`; return whether Claude surely keeps it.

        Raises:
            PaneLost: The pane went away.
        """
        if not await self._pane.press("C-s", since=seen.view):
            return False
        until_s = self._now_s() + PROOF_WAIT_S
        while True:
            seen = await self._lookout.look()
            worked = patience.pressed(seen)
            if worked is not None or self._now_s() >= until_s:
                patience.settled(seen, worked=worked is True)
                return worked is True
            await self._lookout.wait(PROOF_TICK_S)

    async def take_back(self, text: Text) -> bool:
        """Remove our own text, which Claude gave back, from the box; return whether the box is empty.

        Each Ctrl-U takes a line. It is pressed only while the box shows ours, or what is left of ours, alone.

        Raises:
            PaneLost: The pane went away.
        """
        allowed = {Echo.OURS}
        presses, until_s = 0, self._now_s() + TAKE_BACK_S
        last: str | None = None
        while presses < TAKE_BACK_PRESSES and self._now_s() < until_s:
            seen = await self._lookout.look()
            draft = seen.screen.draft if seen.screen is not None else None
            echo = _echo(seen, text.lead, text.body)
            if draft == "" and presses:
                return True
            if _free(seen) and echo in allowed and draft != last:
                if await self._pane.press("C-u", since=seen.view):
                    presses, last, allowed = presses + 1, draft, {Echo.OURS, Echo.LEAD, Echo.PARTLY}
            elif draft and echo not in allowed:
                return False  # somebody works with it: it is theirs now
            await self._lookout.wait(PROOF_TICK_S)
        return False


def _echo(seen: Observation, lead: str, body: str) -> Echo:
    if seen.screen is None or seen.screen.kind is not ScreenKind.PROMPT:
        return Echo.HIDDEN
    return echo_of(seen.screen.draft, lead=lead, body=body)


def _free(seen: Observation) -> bool:
    """Tell whether Enter would reach the input box of an idle Claude, and all that was typed is drawn."""
    view = seen.view
    return seen.hold is None and view is not None and not view.in_mode and view.keys_quiet_s >= KEYS_DRAWN_S
