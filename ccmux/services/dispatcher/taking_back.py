"""Takes out of the input box what Claude gave back there: after an interrupt of ours, or a hook's refusal.

What a person has begun to work on stays: it is a draft then. It owns what is to be taken back; no text is
typed here.
"""

from __future__ import annotations

import structlog

from ccmux.core.messages import MessageState
from ccmux.core.proof import Match, carries
from ccmux.core.state import Observation
from ccmux.ports import Store
from ccmux.services.dispatcher.lookout import Lookout
from ccmux.services.dispatcher.typist import Text, Typist

log = structlog.get_logger()


class TakingBack:
    """Removes our own text, once a text."""

    def __init__(self, *, store: Store, lookout: Lookout, typist: Typist) -> None:
        self._store = store
        self._lookout = lookout
        self._typist = typist
        self._awaited: Text | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether something may come back to the box, so that a look is worth it."""
        return self._awaited is not None

    def expect(self, text: Text | None) -> None:
        """Expect this text to be given back; None: nothing is."""
        self._awaited = text

    async def bury_blocked(self) -> None:
        """Give up messages whose prompt a UserPromptSubmit hook forbade: it would forbid them again."""
        told = self._lookout.blocked()
        if not told:
            return
        expected = await self._store.expected()
        for blocked in told:
            for batch in expected:
                is_of_it = blocked.at >= batch.typed_at  # also one typed again after an older refusal
                if is_of_it and carries(blocked.text, lead=batch.lead, body=batch.body) is not Match.NO:
                    await self._store.move(batch.ids, MessageState.DEAD, reason=blocked.reason)
                    log.warning("prompt blocked", message_ids=batch.ids, outcome=MessageState.DEAD.value)
                    self.expect(batch)

    async def take_back(self, seen: Observation) -> bool:
        """Remove what is awaited, where keys would reach the box; return whether that was tried.

        Raises:
            PaneLost: The pane went away.
        """
        text = self._awaited
        if text is None or seen.hold is not None or seen.screen is None:
            return False
        self._awaited = None
        removed = await self._typist.take_back(text)
        log.info("own text taken back" if removed else "no own text taken back", message_ids=text.ids)
        return True
