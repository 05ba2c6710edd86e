"""What an idle daemon costs: CPU and wake-ups over a minute, resident memory; with the real CLI beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.house.stand import Stand, remove, short_folder

SECONDS = 60


def main(agent: str = "real") -> None:
    """Print what the daemon used while nothing happened."""
    folder = short_folder()
    try:
        with Stand(folder, agent=agent) as stand:
            stand.start()
            time.sleep(5)
            assert stand.daemon is not None
            pid = stand.daemon.pid
            before = _used(pid)
            time.sleep(SECONDS)
            cpu_s, wakeups = (now - then for now, then in zip(_used(pid), before, strict=True))
            print(
                f"idle daemon over {SECONDS} s: CPU {cpu_s:.2f} s, {wakeups:.0f} wake-ups, "
                f"RSS {_rss_mb(pid):.0f} MB"
            )
    finally:
        remove(folder)


def _used(pid: int) -> tuple[float, float]:
    """Return CPU seconds and voluntary context switches of all threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    wakeups = sum(
        _status(task / "status", "voluntary_ctxt_switches") for task in Path(f"/proc/{pid}/task").iterdir()
    )
    return cpu_s, float(wakeups)


def _rss_mb(pid: int) -> float:
    return _status(Path(f"/proc/{pid}/status"), "VmRSS") / 1024


def _status(path: Path, key: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1])


if __name__ == "__main__":
    main()
