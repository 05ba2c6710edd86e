"""Claude's place in tmux: the pane as the dispatcher uses it, the session as lifecycle does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ccmux.core.observation import PaneProcess, PaneView


class Pane(Protocol):
    """Claude's pane. Every method raises PaneLost where pane, session or server are gone."""

    async def look(self) -> PaneView: ...

    async def paste(self, *texts: str, since: PaneView | None = None) -> bool:
        """Send texts as one bracketed paste each; newlines stay newlines, nothing is submitted.

        With `since` they are sent only if no person has pressed a key since that look, and if the keys reach
        Claude: that is seen and done in one, nothing comes between. Return whether they were sent.
        """
        ...

    async def press(self, key: str, *, since: PaneView | None = None) -> bool:
        """Press one key by its tmux name: `Enter`, `Escape`, `C-s`, `C-u`. As for `paste`."""
        ...


class Terminal(Protocol):
    """The tmux session with Claude's pane, as lifecycle uses it. Methods raise PaneLost."""

    async def open(self) -> None:
        """Build what is missing of session and pane and attach; what is there stays as it is."""
        ...

    async def wait_closed(self) -> None:
        """Return once the connection to tmux is lost."""
        ...

    async def last_rows(self) -> Sequence[str]:
        """Return the rows that a program which ended left behind, top first."""
        ...

    async def process(self) -> PaneProcess:
        """Return what became of the pane's own process; no pid where Claude was never started in it."""
        ...

    async def respawn(
        self, argv: Sequence[str], *, env: Mapping[str, str], unset: Collection[str], cwd: str
    ) -> None:
        """Replace what runs in the pane by `argv`."""
        ...
