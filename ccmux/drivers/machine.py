"""When the kernel was started (proc_stat(5)). It changes nothing."""

from __future__ import annotations

from pathlib import Path

_STAT = Path("/proc/stat")


def booted_at(stat: Path = _STAT) -> float:
    """Return epoch seconds by the clock of now, whole ones; 0 where the kernel does not tell."""
    try:
        lines = stat.read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)
