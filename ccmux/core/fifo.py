"""Decides whether what stands at a channel's name is a FIFO of ours: nothing else is ever opened."""

from __future__ import annotations

import stat


def reason_against(mode: int, uid: int, *, our_uid: int) -> str:
    """Return why it is no FIFO for us, and what to do; "" if it is one.

    Args:
        mode: As lstat(2) has it, kind and permissions.
        uid: Whose it is.
        our_uid: Who we are.
    """
    if stat.S_ISLNK(mode):
        return "a symbolic link; make a FIFO there"
    if not stat.S_ISFIFO(mode):
        return "no FIFO; remove it and use mkfifo"
    if uid != our_uid:
        return f"belongs to user {uid}"
    return ""
