"""The process that holds the input FIFOs open beyond the daemon's end, and the daemon's end of it."""

from __future__ import annotations

from ccmux.drivers.keeper.client import ProcessKeeper

__all__ = ["ProcessKeeper"]
