"""What tokens cost, as data: list prices of the Claude API in US dollars. An estimate, never a bill.

A model that is not in the table has no price, and what it used makes the whole estimate unknown: a guess by a
similar name would be wrong without anybody seeing it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import msgspec

_A_MILLION = 1_000_000


class Usage(msgspec.Struct, frozen=True, gc=False):
    """The tokens of one response, as the API bills them.

    Attributes:
        fresh: Input that was neither written to the cache nor read from it.
        written: Input written to the cache, for whatever time.
        written_1h: The part of `written` that is kept for an hour and costs more.
        read: Input read from the cache.
        output: What Claude wrote, its thinking too.

    """

    fresh: int = 0
    written: int = 0
    written_1h: int = 0
    read: int = 0
    output: int = 0

    @property
    def context(self) -> int:
        """All that Claude was given to read."""
        return self.fresh + self.written + self.read

    @property
    def total(self) -> int:
        """All of it."""
        return self.context + self.output


@dataclass(frozen=True, slots=True)
class _Price:
    """Dollars a million tokens; the cache's prices are multiples of the input's."""

    fresh: float
    output: float


_OPUS, _OLD_OPUS = _Price(5.0, 25.0), _Price(15.0, 75.0)
_SONNET, _HAIKU = _Price(3.0, 15.0), _Price(1.0, 5.0)
_WRITTEN, _WRITTEN_1H, _READ = 1.25, 2.0, 0.1

_PRICES = {
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-opus-4-1": _OLD_OPUS,
    "claude-opus-4": _OLD_OPUS,
    "claude-sonnet-4-6": _SONNET,
    "claude-sonnet-4-5": _SONNET,
    "claude-sonnet-4": _SONNET,
    "claude-3-7-sonnet": _SONNET,
    "claude-haiku-4-5": _HAIKU,
    "claude-3-5-haiku": _Price(0.8, 4.0),
}
"""As the vendor's price page and those who copied it had them in the autumn of 2026, without discounts."""

_VARIANT = re.compile(r"(?:-\d{8})?(?:\[1m\])?$")
"""A release's date and the mark of the long context: the price is the same."""


@lru_cache(maxsize=64)
def _price(model: str) -> _Price | None:
    return _PRICES.get(_VARIANT.sub("", model))


def cost_of(usage: Usage, model: str) -> float | None:
    """Return what this much costs in dollars, None where nobody here knows the model's price."""
    price = _price(model)
    if price is None:
        return None
    weighed = (
        usage.fresh
        + (usage.written - usage.written_1h) * _WRITTEN
        + usage.written_1h * _WRITTEN_1H
        + usage.read * _READ
    )
    return (weighed * price.fresh + usage.output * price.output) / _A_MILLION
