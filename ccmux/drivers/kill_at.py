"""Acts on this very process: kills it where a test said so. Nobody else ever makes one of these."""

from __future__ import annotations

import os
import signal

from ccmux.core.failpoints import Failpoint, Point


class KillAt:
    """A `Reached` that ends the process at its failpoint, as a power cut would: nothing is cleaned up."""

    def __init__(self, failpoint: Failpoint) -> None:
        self._point = failpoint.point
        self._left = failpoint.nth

    def __call__(self, point: Point) -> None:
        """Count this point; kill the process when it was reached for the nth time."""
        if point is not self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
