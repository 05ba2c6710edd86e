"""The units that users name: adapters, timers, and what timers start."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ccmux.core.settings import AdapterSettings, TimerSettings
from ccmux.core.units.own import STRICT, journal
from ccmux.core.units.place import Deployment
from ccmux.core.units.syntax import command, environment, folder, plain, standard_input, unit

DEFAULT_CHANNEL = "timer"

_MOST_STARTS = 10
_SHORT_LIFE_S = 20
"""An adapter that ends sooner than this each time will not get better by being started."""
_LEAST_INTERVAL_S = 300


def adapter_units(name: str, adapter: AdapterSettings, where: Deployment) -> dict[str, str]:
    """Return the service of an adapter. It starts after the daemon, and does not end or start anew with it.

    It does not want the daemon either, ccmux.target does: a daemon that a person stopped would come back as
    soon as an adapter failed for want of it (measured on systemd 252).

    One that ends well is started anew too: who reads an output FIFO to its end ends with each daemon.
    """
    stem = f"ccmux-{name}"
    text = unit(
        where.config,
        {
            "Unit": [
                plain("Description", adapter.description or f"ccmux: adapter {name}"),
                "PartOf=ccmux.target",
                "After=ccmux.service",
                f"StartLimitIntervalSec={_starts_count_for_s(adapter.restart_delay)}",
                f"StartLimitBurst={_MOST_STARTS}",
            ],
            "Service": [
                "Type=exec",
                *_runs(where.execs[stem], adapter.env, where),
                "Restart=always",
                f"RestartSec={_seconds(adapter.restart_delay)}",
                *journal(adapter.syslog or stem),
                *STRICT,
            ],
            "Install": ["WantedBy=ccmux.target"],
        },
    )
    return {f"{stem}.service": text}


def timer_units(name: str, timer: TimerSettings, where: Deployment) -> dict[str, str]:
    """Return the timer and the service it starts."""
    stem = f"ccmux-{name}"
    description = plain("Description", timer.description or f"ccmux: timer {name}")
    argv = where.execs[stem] if timer.exec else _send(name, timer, where)
    # In a command every user of the machine would see it (ps).
    told = [] if timer.exec else standard_input(timer.message)
    return {
        f"{stem}.timer": unit(
            where.config,
            {
                "Unit": [description, "PartOf=ccmux.target"],
                "Timer": _times(timer),
                "Install": ["WantedBy=ccmux.target"],
            },
        ),
        f"{stem}.service": unit(
            where.config,
            {
                "Unit": [description, "PartOf=ccmux.target", "After=ccmux.service"],
                "Service": [
                    "Type=oneshot",
                    *_runs(argv, timer.env, where),
                    *told,
                    *journal(timer.syslog or stem),
                ],
            },
        ),
    }


def _times(timer: TimerSettings) -> list[str]:
    lines = [f"OnActiveSec={timer.startup_delay}"] if timer.startup_delay else []
    lines += [plain("OnCalendar", expression) for expression in timer.schedule]
    if timer.schedule:
        lines.append("Persistent=true")
    # systemd's own minute would make 30s after the start 90s.
    return [*lines, "AccuracySec=1s"]


def _starts_count_for_s(restart_delay_s: float) -> int:
    """Return for how long a start counts against the limit: room for all of them, however long the delay."""
    return max(_LEAST_INTERVAL_S, math.ceil(_MOST_STARTS * (restart_delay_s + _SHORT_LIFE_S)))


def _seconds(delay_s: float) -> str:
    milliseconds = round(delay_s * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _send(name: str, timer: TimerSettings, where: Deployment) -> tuple[str, ...]:
    channel = timer.channel or DEFAULT_CHANNEL
    return where.call("ccmux", "send", "--unless-waiting", name, "-c", channel, "-")


def _runs(argv: tuple[str, ...], env: Mapping[str, str], where: Deployment) -> list[str]:
    return [
        command("ExecStart", argv),
        folder("WorkingDirectory", where.project_dir),
        *environment(where.variables(env)),
    ]
