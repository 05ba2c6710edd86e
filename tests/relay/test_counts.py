from __future__ import annotations

import re

from ccmux.relay.counts import _MEANINGS, Counts

NOW = {"active": 1, "sources": 2, "sessions": 3, "viewers": 4, "viewers_behind": 5}


def test_all_is_told_as_prometheus_reads_it() -> None:
    counts = Counts()
    counts.done["heartbeats_total"] += 7
    counts.refused[401] += 1
    counts.refused[400] += 2
    lines = counts.text(NOW).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["ccmux_relay_viewers"] == "4"
    assert values["ccmux_relay_heartbeats_total"] == "7"
    assert values["ccmux_relay_stops_total"] == "0"
    assert values['ccmux_relay_refused_total{status="400"}'] == "2"
    kinds = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    assert kinds["ccmux_relay_viewers"] == "gauge"
    assert kinds["ccmux_relay_refused_total"] == "counter"
    assert set(kinds) == {f"ccmux_relay_{name}" for name in (*_MEANINGS, "refused_total")}
    assert counts.text(NOW).endswith("\n")
    assert all(re.fullmatch(r'[a-z_]+(\{status="\d{3}"\})? \d+', line) for line in lines if line[0] != "#")
