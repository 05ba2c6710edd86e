"""What the command line asks, and whom it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol


class LineListener(Protocol):
    """A socket in the runtime directory that answers lines."""

    def bind(self) -> None:
        """Make the socket file, also again after it was deleted. Raises RuntimeDirUnsafe."""
        ...

    def in_place(self) -> bool:
        """Tell whether the socket file is still the one that `bind` made."""
        ...

    def unlink(self) -> None:
        """Remove the socket file, if it is ours."""
        ...

    async def serve(self, handler: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Answer lines until cancelled."""
        ...


class Dispatching(Protocol):
    """The dispatcher, as those see it who ask for a person."""

    def status(self) -> Mapping[str, Any]:
        """Return at least `state`, `hold` (None: nothing holds), `detail`, `paused` and `pid`."""
        ...

    async def pause(self) -> None:
        """Hold injection, over restarts too."""
        ...

    async def resume(self) -> None:
        """Go on injecting."""
        ...

    async def interrupt(self) -> None:
        """Press Escape in a Claude that is at work. Raises RequestRefused where it is not, PaneLost."""
        ...
