"""The overseer: owns tasks, starts and watches their processes, and answers the clients in its room.

`tasks` runs them, `audience` knows who hears what, `pacing` holds back a task that its listeners cannot
follow, `room` is the WebSocket side, `counts` tells figures.
"""

from __future__ import annotations

from ccmux.services.overseer.room import OverseerRoom
from ccmux.services.overseer.service import Overseer

__all__ = ["Overseer", "OverseerRoom"]
