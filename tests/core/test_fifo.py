import stat

import pytest

from ccmux.core.fifo import reason_against

OURS = 1_000


@pytest.mark.parametrize(
    ("mode", "uid", "reason"),
    [
        (stat.S_IFIFO | 0o600, OURS, ""),
        (stat.S_IFIFO | 0o666, OURS, ""),
        (stat.S_IFIFO | 0o600, 0, "belongs to user 0"),
        (stat.S_IFLNK | 0o777, OURS, "a symbolic link; make a FIFO there"),
        (stat.S_IFREG | 0o600, OURS, "no FIFO; remove it and use mkfifo"),
        (stat.S_IFDIR | 0o700, OURS, "no FIFO; remove it and use mkfifo"),
        (stat.S_IFSOCK | 0o600, OURS, "no FIFO; remove it and use mkfifo"),
        (stat.S_IFCHR | 0o600, 0, "no FIFO; remove it and use mkfifo"),
    ],
)
def test_only_a_fifo_of_ours_is_one(mode: int, uid: int, reason: str) -> None:
    assert reason_against(mode, uid, our_uid=OURS) == reason
