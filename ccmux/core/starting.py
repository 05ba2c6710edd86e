"""Who starts the daemon of a place, and so how a person starts it, starts it anew, or learns why it ends.

It looks at nothing and starts nothing.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ccmux.core.unit_state import UnitState
from ccmux.core.units import DAEMON, TARGET

BY_HAND = "start it with `ccmux`"
"""For who knows nothing of units."""

OTHER_PLACE = "set another [runtime] dir and another [mcp] port in ccmux.toml"
"""What lets two projects be beside each other."""

_WHY = f"journalctl --user-unit {DAEMON} -n 20 says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """What unit files, and systemd, tell of who starts the daemon.

    Attributes:
        deployed: The daemon's unit was made from this place's settings file.
        other: The settings file the user's units were made from where it is another one; "" where none is.
        service: What systemd says of the daemon's unit; None where it is not deployed, or nobody was asked.
        demo: The daemon that runs hosts the demo agent; False also where none runs.

    """

    deployed: bool = False
    other: str = ""
    service: UnitState | None = None
    demo: bool = False

    @property
    def is_failing(self) -> bool:
        """Whether systemd starts it again and again, or gave up."""
        return self.service is not None and fails(self.service)

    @property
    def again(self) -> str:
        """The command that starts a daemon that was stopped."""
        return f"systemctl --user start {TARGET}" if self.deployed else self._by_hand

    @property
    def start(self) -> str:
        """How a daemon that is down comes up: half a sentence."""
        if not self.deployed:
            return BY_HAND
        if self.service is not None and self.service.active == "failed":
            return f"it failed: {_WHY}; then: {self.restart}"
        if self.is_failing:
            return f"systemd tries again and again: {_WHY} it ends"
        if self.service is not None and self.service.active == "activating":
            return f"systemd is starting it; if it stays away: {_WHY}"
        if self.service is not None and self.service.active == "active":
            return f"{self.restart}; {_WHY}"
        return f"start it with `{self.again}`"

    @property
    def restart(self) -> str:
        """The command that ends a daemon that runs and starts it anew."""
        return f"systemctl --user restart {DAEMON}" if self.deployed else f"ccmux stop && {self._by_hand}"

    @property
    def _by_hand(self) -> str:
        return "ccmux --demo" if self.demo else "ccmux"

    @property
    def silent(self) -> str:
        """What to do about a daemon that is there and does not answer: half a sentence."""
        look = _WHY if self.deployed else "its log says why"
        return f"it hangs, or has very much to do: {look}; if it stays so: {self.restart}"

    @property
    def instead(self) -> str:
        """What to do where the user's units are those of `other`: a user has one deployment."""
        remove = f"ccmux-deploy --config {shlex.quote(self.other)} remove"
        return f"run this one in the foreground: ccmux; or deploy it instead: {remove} && ccmux-deploy"


def fails(service: UnitState) -> bool:
    """Whether a service that should stay ends, or does not come up, and is started anew; or was given up."""
    again = service.active == "activating" and (service.restarts > 0 or service.result != "success")
    return service.active == "failed" or service.sub == "auto-restart" or again
