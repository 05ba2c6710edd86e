"""Whether there is room: a full disk holds the queue, full inodes do the same with space left."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns

WARN_USED, BAD_USED = 0.80, 0.95
WARN_FREE_BYTES, BAD_FREE_BYTES = 10 * 10**9, 2 * 10**9
"""Both must hold, share and bytes: 5 % of a large disk is plenty, and a small memory file system is always
below 10 GB."""

_IN_MEMORY = frozenset({"tmpfs", "ramfs", "hugetlbfs", "devtmpfs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A file system, as statvfs(3) tells of it.

    Attributes:
        holds: What of ours lies there: "data", "data, runtime".
        mount: Where it is mounted.
        kind: "ext4", "tmpfs" ...; "" where unknown.
        total_bytes: All that a user may fill; not what is kept for root.
        free_bytes: What of it is free.
        inodes: How many files it can hold; 0 where it does not count them.
        inodes_free: How many more files it can hold.

    """

    holds: str
    mount: str
    kind: str
    total_bytes: int
    free_bytes: int
    inodes: int = 0
    inodes_free: int = 0


def judge_space(space: Space, *, keeps_data: bool) -> list[Diagnosis]:
    """Judge a file system; `keeps_data` where what lies there must outlive a reboot."""
    used = 1 - space.free_bytes / space.total_bytes if space.total_bytes else 1.0
    in_memory = f", in memory ({space.kind})" if space.kind in _IN_MEMORY else ""
    says = f"{space.mount}: {_size(space.free_bytes)} free, {used:.0%} used{in_memory}"
    mend = f"free some space below {space.mount}"
    if in_memory and keeps_data:
        # To move it away makes room there, too.
        says += ": a reboot loses queue and history"
        found = [ails("disk", space.holds, says, "set CCMUX_DATA_DIR to a folder on a disk")]
    elif used > BAD_USED and space.free_bytes < BAD_FREE_BYTES:
        found = [ails("disk", space.holds, says, mend)]
    elif used > WARN_USED and space.free_bytes < WARN_FREE_BYTES:
        found = [warns("disk", space.holds, says, mend)]
    else:
        found = [fine("disk", space.holds, says)]
    files = 1 - space.inodes_free / space.inodes if space.inodes else 0.0
    if files > WARN_USED:
        judge = ails if files > BAD_USED else warns
        says = f"{space.mount}: {files:.0%} of its files (inodes) are used"
        found.append(judge("disk", space.holds, says, f"remove files below {space.mount}: df -i"))
    return found


def _size(count: int) -> str:
    return f"{count / 10**9:.0f} GB" if count >= 10**10 else f"{count / 10**6:,.0f} MB"
