"""How long to wait before Claude is started again. It waits for nothing itself."""

from __future__ import annotations


def restart_wait_s(restarts: int, *, initial_s: float, cap_s: float) -> float:
    """Return `min(initial_s * 2^restarts, cap_s)`; `restarts` counts the ones so far, >= 0."""
    doublings = min(restarts, 64)  # 2^64 seconds is past any cap; larger powers overflow a float
    return min(initial_s * 2.0**doublings, cap_s)
