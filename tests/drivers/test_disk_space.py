"""Each file system is told once, also for what does not exist yet."""

from __future__ import annotations

import shutil
from pathlib import Path

from ccmux.drivers.disk_space import spaces


def test_paths_on_one_file_system_are_told_together(tmp_path: Path) -> None:
    [found] = spaces({"data": tmp_path / "not" / "yet", "runtime": tmp_path})
    assert found.holds == "data, runtime"
    assert Path(found.mount).is_mount()
    assert tmp_path.resolve().is_relative_to(found.mount)
    assert found.kind
    # What others write meanwhile moves it by little.
    assert abs(found.free_bytes - shutil.disk_usage(tmp_path).free) < 10**9
    assert 0 < found.free_bytes < found.total_bytes


def test_memory_is_told_from_disk() -> None:
    held = {"a": Path("/proc/self"), "b": Path("/")}
    assert {found.mount: found.kind for found in spaces(held)}["/proc"] == "proc"
    assert len(spaces(held)) == 2
