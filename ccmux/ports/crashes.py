"""Where a test may let the daemon die. Nobody else takes part in it."""

from __future__ import annotations

from collections.abc import Callable

from ccmux.core.failpoints import Point

Reached = Callable[[Point], None]
"""Told at each point at which a test may let the daemon die."""


def go_on(_point: Point) -> None:
    """Let every point pass: what is `Reached` everywhere but in a test of crashes."""
