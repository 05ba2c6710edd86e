"""The door: who comes, whether it holds the key, and whether it comes too often. It serves nothing itself.

Whoever holds the key has an allowance of its own: nobody who shares its address can use that up.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from ccmux.core.allowance import Allowance
from ccmux.core.visitors import Networks, Visitor, counted_as, visitor

_VISITS = {"burst": 300, "per_second": 20}
"""Of one address: a page is five requests and a viewer; a household or an office reloads."""
_REPORTS = {"burst": 120, "per_second": 10}
"""Of one address that holds the key: every machine behind it tells two a minute, and changes of state."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody at the door.

    Attributes:
        visitor: Who it is.
        address: What it is counted under.
        has_key: Whether it holds the key.
        wait_s: Whole seconds until it may ask; 0 is now.

    """

    visitor: Visitor
    address: str
    has_key: bool
    wait_s: int


class Door:
    """One door for requests and viewers."""

    def __init__(self, *, key: str, proxies: Networks, clock: Callable[[], float]) -> None:
        """Take the key of those who report, the proxies that are believed, and the clock of the loop."""
        self._key = key.encode()
        self._proxies = proxies
        self._clock = clock
        self._visits = Allowance(**_VISITS)
        self._reports = Allowance(**_REPORTS)
        self._has_warned = False

    def comes(self, peer: str, *, forwarded_for: Sequence[str], authorization: str = "") -> Coming:
        """Return who is at the door, and count it.

        Args:
            peer: Address of the other end.
            forwarded_for: The values of X-Forwarded-For.
            authorization: The value of Authorization.

        """
        found = visitor(peer, forwarded_for, self._proxies)
        if found.is_claimed and not self._has_warned:
            self._has_warned = True
            log.warning("a proxy is not named, all behind it count as one: --proxies names it", address=peer)
        address = counted_as(found.address)
        has_key = self._opens(authorization)
        allowance = self._reports if has_key else self._visits
        return Coming(found, address, has_key, math.ceil(allowance.spend(address, now_s=self._clock())))

    def forget_rested(self) -> None:
        """Forget addresses that have not asked for long."""
        for allowance in (self._visits, self._reports):
            allowance.forget_rested(now_s=self._clock())

    def _opens(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._key)
