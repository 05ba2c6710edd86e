"""The input FIFOs, and the files in which their bytes land on the way to the store."""

from __future__ import annotations

from ccmux.drivers.input_fifos.door import PARTIAL_QUIET_S
from ccmux.drivers.input_fifos.doors import InputFifos
from ccmux.drivers.input_fifos.landing import PIPE_BYTES

__all__ = ["PARTIAL_QUIET_S", "PIPE_BYTES", "InputFifos"]
