"""Asks the kernel whether a time service keeps its clock: adjtimex(2). It sets nothing.

It is what timedatectl tells as NTPSynchronized, and the kernel tells it also where no systemd runs.
"""

from __future__ import annotations

import ctypes

_UNSYNCHRONISED_US = 16_000_000
"""From this estimated error on the clock is left to itself (systemd's timedated draws the line here too)."""


class _Timex(ctypes.Structure):
    """The head of struct timex; the rest is room that the kernel fills."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def synchronised() -> bool | None:
    """Return whether a time service keeps the clock; None where the kernel does not tell."""
    found = _Timex()
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else int(found.maxerror) < _UNSYNCHRONISED_US
