"""Room is judged by share and bytes together, and what must outlive a reboot must not lie in memory."""

from __future__ import annotations

import pytest

from ccmux.core.doctor.disk import Space, judge_space
from ccmux.core.findings import Verdict

GB = 10**9
OK, WARN, BAD = Verdict.OK, Verdict.WARN, Verdict.BAD


def space(total: float, free: float, **more: object) -> Space:
    facts = {"holds": "data", "mount": "/", "kind": "ext4", **more}
    return Space(total_bytes=int(total * GB), free_bytes=int(free * GB), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total", "free", "verdict"),
    [
        (250, 80, OK),
        (2_000, 60, OK),  # 97 % used, and plenty left
        (250, 11, OK),
        (250, 9, WARN),
        (20, 4.1, OK),  # 79.5 %
        (20, 3.9, WARN),
        (20, 1.5, WARN),
        (20, 0.9, BAD),
        (0.4, 0.3, OK),
        (0.4, 0.01, BAD),
        (0, 0, BAD),
    ],
)
def test_share_and_bytes_judge_together(total: float, free: float, verdict: Verdict) -> None:
    [found] = judge_space(space(total, free), keeps_data=True)
    assert found.finding.verdict is verdict
    assert bool(found.finding.mend) is (verdict is not OK)


@pytest.mark.parametrize(("free", "verdict"), [(500, None), (150, WARN), (10, BAD)])
def test_files_are_counted_too(free: int, verdict: Verdict | None) -> None:
    _, *more = judge_space(space(250, 80, inodes=1_000, inodes_free=free), keeps_data=True)
    assert [found.finding.verdict for found in more] == ([verdict] if verdict else [])


def test_a_file_system_that_counts_no_files_is_not_full_of_them() -> None:
    assert len(judge_space(space(250, 80, inodes=0, inodes_free=0), keeps_data=True)) == 1


def test_data_in_memory_is_lost_at_a_reboot_and_fifos_there_are_well() -> None:
    tmp = space(4, 3.9, kind="tmpfs", mount="/tmp")
    [lost] = judge_space(tmp, keeps_data=True)
    assert lost.finding.verdict is BAD
    assert lost.finding.says == (
        "/tmp: 3,900 MB free, 3% used, in memory (tmpfs): a reboot loses queue and history"
    )
    assert lost.finding.mend == "set CCMUX_DATA_DIR to a folder on a disk"
    [both] = judge_space(space(4, 0.1, kind="tmpfs", mount="/tmp"), keeps_data=True)
    assert (both.finding.verdict, both.finding.mend) == (BAD, lost.finding.mend)
    [room] = judge_space(tmp, keeps_data=False)
    assert room.finding.says == "/tmp: 3,900 MB free, 3% used, in memory (tmpfs)"
