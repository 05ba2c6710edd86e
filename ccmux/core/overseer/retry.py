"""Whether and when a task that ended runs again. It waits for nothing and starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ccmux.core.backoff import restart_wait_s
from ccmux.core.overseer.durations import parse_duration, seconds

MOST_EXITS = 10_000
"""So many exits can be counted against a task, at most."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client asks for, as it wrote it; durations are text like "1m30s".

    Attributes:
        restart_delay: Waited before it is started again; "" is not at all.
        error_window: Exits further back than this are forgotten; "" is never.
        error_threshold: With this many exits remembered it is given up; 0 is never.
        max_restart_delay: The delay doubles with each exit in a row, up to this; "" is it stays as it is.
        restart_jitter: Up to this much more is waited, by chance, so that not all start at once.
        min_uptime: Who ran so long has started well: what was before is forgotten; "" is nobody has.
        done_exit_codes: Who exits with one of these has done its work and is not started again.

    """

    restart_delay: str = ""
    error_window: str = ""
    error_threshold: int = 0
    max_restart_delay: str = ""
    restart_jitter: str = ""
    min_uptime: str = ""
    done_exit_codes: tuple[int, ...] = ()

    def problem(self) -> str:
        """Return what is wrong with it, "" where nothing is."""
        for name in ("restart_delay", "error_window", "max_restart_delay", "restart_jitter", "min_uptime"):
            if getattr(self, name) and parse_duration(getattr(self, name)) is None:
                return f'retry_policy.{name} must be a duration like "5s" or "1m30s"'
        if not 0 <= self.error_threshold <= MOST_EXITS:
            return f"retry_policy.error_threshold must be 0 to {MOST_EXITS}"
        return ""


@dataclass(frozen=True, slots=True)
class Again:
    """It runs again, after so many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It ended too often."""

    exit_count: int


@dataclass(frozen=True, slots=True)
class Done:
    """It does not run again."""


Verdict = Again | GivenUp | Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What counts against a task.

    Attributes:
        exits: When it exited, epoch seconds, oldest first; as many as matter.
        in_a_row: How often it exited since it last started well.

    """

    exits: tuple[float, ...] = ()
    in_a_row: int = 0


def judged(
    policy: RetryPolicy | None,
    past: Past,
    *,
    exit_code: int | None,
    ran_s: float,
    now: float,
    jitter: float,
) -> tuple[Verdict, Past]:
    """Return what becomes of a task that ended by itself, and what counts against it from now on.

    Args:
        policy: None: nobody asked for it to be started again.
        past: What counted so far.
        exit_code: None: it could not even be started.
        ran_s: How long it ran.
        now: Epoch seconds.
        jitter: A number in [0, 1) drawn by the caller.

    """
    if policy is None or exit_code in policy.done_exit_codes:
        return Done(), Past()
    min_uptime_s = _seconds(policy.min_uptime)
    if min_uptime_s is not None and exit_code is not None and ran_s >= min_uptime_s:
        return Again(_delay_s(policy, 0, jitter)), Past()
    window_s = _seconds(policy.error_window)
    exits = (*_remembered(past.exits, window_s, now), now) if policy.error_threshold else ()
    now_past = Past(exits=exits, in_a_row=past.in_a_row + 1)
    if policy.error_threshold and len(exits) >= policy.error_threshold:
        return GivenUp(len(exits)), now_past
    return Again(_delay_s(policy, past.in_a_row, jitter)), now_past


def _remembered(exits: Sequence[float], window_s: float | None, now: float) -> Sequence[float]:
    return exits if window_s is None else tuple(at for at in exits if at >= now - window_s)


def _delay_s(policy: RetryPolicy, in_a_row: int, jitter: float) -> float:
    delay_s = _seconds(policy.restart_delay) or 0.0
    cap_s = _seconds(policy.max_restart_delay)
    if cap_s is not None:
        delay_s = restart_wait_s(in_a_row, initial_s=delay_s, cap_s=max(cap_s, delay_s))
    return delay_s + jitter * (_seconds(policy.restart_jitter) or 0.0)


def _seconds(duration: str) -> float | None:
    parsed = parse_duration(duration) if duration else None
    return None if parsed is None else seconds(parsed)
