"""How much one address may ask for, and how many of it may stay. It reads no clock.

Kept per address, and no more of them than there is room for.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

ADDRESSES: Final = 10_000
"""Addresses whose requests are counted, at most."""


class Allowance:
    """Requests an address may make: `burst` at once, then `per_second`.

    An address that has its whole burst again is forgotten. Where more are known than there is room for, the
    one that asked least lately makes room: it has had the longest time to earn its burst again.
    """

    def __init__(self, *, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: dict[str, tuple[float, float]] = {}
        """By address, that which asked last at the end: what was left, and when."""

    def __len__(self) -> int:
        """How many addresses are known."""
        return len(self._left)

    def spend(self, address: str, *, now_s: float) -> float:
        """Take a request; return 0.0 where it may be, else the seconds until one may."""
        left, at_s = self._left.pop(address, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - at_s) * self._per_second)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._per_second
        self._left[address] = (left if wait_s else left - 1, now_s)
        if len(self._left) > ADDRESSES:
            del self._left[next(iter(self._left))]
        return wait_s

    def forget_rested(self, *, now_s: float) -> None:
        """Forget addresses that have their whole burst again."""
        whole_after_s = self._burst / self._per_second
        for address in [known for known, (_, at_s) in self._left.items() if now_s - at_s >= whole_after_s]:
            del self._left[address]


class Places:
    """Places that are taken while somebody stays: so many in all, so many an address."""

    def __init__(self, *, total: int, an_address: int) -> None:
        self._total = total
        self._an_address = an_address
        self._taken: Counter[str] = Counter()
        self._count = 0

    def __len__(self) -> int:
        """How many are taken."""
        return self._count

    def refusal(self, address: str) -> str:
        """Return why there is none for this address, "" where there is."""
        if self._count >= self._total:
            return f"all {self._total} places are taken; come back later"
        if self._taken[address] >= self._an_address:
            return f"{self._an_address} places are taken from your address; close some"
        return ""

    def take(self, address: str) -> None:
        """Take one."""
        self._taken[address] += 1
        self._count += 1

    def give_back(self, address: str) -> None:
        """Give one back that was taken."""
        self._taken[address] -= 1
        self._count -= 1
        if not self._taken[address]:
            del self._taken[address]
