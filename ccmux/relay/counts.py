"""What a relay has done and how it stands, as numbers that Prometheus reads. They say nothing of sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_MEANINGS = {
    "active": "1 where a source is at work",
    "sources": "Sources at work",
    "sessions": "Sessions that are shown",
    "viewers": "Viewers that are connected",
    "viewers_behind": "Viewers that have not taken what they were sent",
    "heartbeats_total": "Heartbeats taken",
    "stops_total": "Stops taken",
    "expired_total": "Sources that were not heard of for too long",
    "states_total": "States told to all viewers",
    "viewers_total": "Viewers that came in",
    "viewers_cut_total": "Viewers cut off for taking nothing",
}


@dataclass(slots=True)
class Counts:
    """What has been counted since the start.

    Attributes:
        done: By the name of a counter.
        refused: Requests and viewers that were refused, by HTTP status.

    """

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)

    def text(self, now: Mapping[str, int]) -> str:
        """Return all counters, and the gauges of `now`, in Prometheus's text format."""
        lines = []
        for name, meaning in _MEANINGS.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            value = self.done[name] if kind == "counter" else now[name]
            lines += [*_head(name, kind, meaning), f"ccmux_relay_{name} {value}"]
        lines += _head("refused_total", "counter", "Requests and viewers refused, by HTTP status")
        lines += [
            f'ccmux_relay_refused_total{{status="{code}"}} {n}' for code, n in sorted(self.refused.items())
        ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP ccmux_relay_{name} {meaning}", f"# TYPE ccmux_relay_{name} {kind}"]
