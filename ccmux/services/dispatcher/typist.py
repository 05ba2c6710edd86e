"""The typist: one prompt from its paste to its outcome, as the machine in `core/injection.py` says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ccmux.core.echo import Echo, echo_of
from ccmux.core.failpoints import Point
from ccmux.core.injection import Finished, Injection, LookAgain, Outcome, PressEnter
from ccmux.core.observation import ScreenKind
from ccmux.core.state import Observation
from ccmux.ports import Pane, Reached
from ccmux.services.dispatcher.lookout import Lookout


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How a typing ended; `prompt_id` is Claude's turn where it was reported with it."""

    outcome: Outcome
    reason: str = ""
    prompt_id: str | None = None
    enters: int = 0
    took_s: float = 0.0


class Typist:
    """Types what it is given; the caller has checked the gate and put the intent on disk."""

    def __init__(self, *, lookout: Lookout, pane: Pane, reached: Reached) -> None:
        self._lookout = lookout
        self._pane = pane
        self._reached = reached
        self._now_s = asyncio.get_running_loop().time

    async def type(self, pastes: tuple[str, ...], *, lead: str, body: str, rest_s: float = 0.0) -> Typed:
        """Paste, see it in the box, press Enter, and wait for the proof.

        Args:
            pastes: What is sent, one bracketed paste each; nothing where the text stands in the box already.
            lead: The line before a wrapped body, or "".
            body: The text as built, without the blank that a paste may end in.
            rest_s: How long the text must stand in the box before Enter.

        Raises:
            PaneLost: The pane went away; what was sent is uncertain.
        """
        self._lookout.forget_proofs()
        for text in pastes:
            await self._pane.paste(text)
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
                match injection.looked(_echo(seen, lead, body), free=_free(seen), now_s=now_s):
                    case PressEnter():
                        await self._pane.press("Enter")
                        self._reached(Point.ENTERED)
                        continue
                    case LookAgain(after_s):
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


def _echo(seen: Observation, lead: str, body: str) -> Echo:
    if seen.screen is None or seen.screen.kind is not ScreenKind.PROMPT:
        return Echo.NOTHING
    return echo_of(seen.screen.draft, lead=lead, body=body)


def _free(seen: Observation) -> bool:
    """Tell whether Enter would reach the input box of an idle Claude."""
    return seen.hold is None and seen.view is not None and not seen.view.in_mode
