"""When the machine was started."""

from __future__ import annotations

import time
from pathlib import Path

from ccmux.drivers.machine import booted_at


def test_the_kernel_tells_when_it_was_started() -> None:
    assert 0 < booted_at() <= time.time()


def test_where_it_does_not_nobody_knows(tmp_path: Path) -> None:
    assert booted_at(tmp_path / "stat") == 0
    (tmp_path / "stat").write_text("cpu 1 2 3\n")
    assert booted_at(tmp_path / "stat") == 0
