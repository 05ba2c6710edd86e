"""A process dies at its failpoint, and at no other."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
from ccmux.core.failpoints import Failpoint, Point
from ccmux.drivers.kill_at import KillAt

reached = KillAt(Failpoint(Point.PASTED, 2))
for point in (Point.PASTED, Point.TYPING, Point.TYPING, Point.PASTED, Point.ENTERED):
    print(point, flush=True)
    reached(point)
"""


def test_it_dies_the_nth_time_the_point_is_reached() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["pasted", "typing", "typing", "pasted"]
