"""systemd's descriptor store: the port `Keeper` where the service manager holds descriptors over our death.

What was stored comes back as LISTEN_FDS at the next start (sd_listen_fds(3), sd_notify(3) FDSTORE=1). systemd
answers nothing, so the environment must say that there is a store: FDSTORE (systemd 254 and later set it; our
unit sets it for older ones). Up to systemd 253 a `systemctl stop` empties the store; a restart never does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ccmux.drivers.systemd.notify import Notify

_FIRST_FD = 3  # SD_LISTEN_FDS_START


class FdStore:
    """The port Keeper on the service manager that started us."""

    def __init__(self, notify: Notify, kept: Sequence[tuple[str, int]]) -> None:
        """`notify` leads to the service manager; `kept` is what came back."""
        self._notify = notify
        self._kept = list(kept)
        self._held = {key for key, _ in kept}

    @classmethod
    def found(cls, environment: Mapping[str, str], *, pid: int) -> FdStore | None:
        """Return the store this process was given, None where there is none.

        Args:
            environment: Of the process.
            pid: Of the process: descriptors for another one are not ours.
        """
        notify, room = Notify.found(environment, pid=pid), environment.get("FDSTORE", "")
        if not notify.reaches or not room.isascii() or not room.isdecimal() or int(room) == 0:
            return None
        return cls(notify, _listening(environment, pid))

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what outlived the last daemon; see the port."""
        kept, self._kept = self._kept, []
        return kept

    def keep(self, key: str, fd: int) -> None:
        """Hold this too; see the port."""
        if key not in self._held and self._notify.insist("FDSTORE=1", f"FDNAME={key}", "FDPOLL=0", fds=[fd]):
            self._held.add(key)

    def drop(self, key: str) -> None:
        """Hold it no more; see the port."""
        self._held.discard(key)
        self._notify.insist("FDSTOREREMOVE=1", f"FDNAME={key}")

    def close(self) -> None:
        """Leave the store to itself; it holds on."""
        self._notify.close()
        for _, fd in self.kept():
            os.close(fd)


def _listening(environment: Mapping[str, str], pid: int) -> list[tuple[str, int]]:
    """Return the descriptors that came with the start, by name, and let no child inherit them."""
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID", "") != str(pid) or not count.isascii() or not count.isdecimal():
        return []
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    kept: list[tuple[str, int]] = []
    for fd, name in zip(range(_FIRST_FD, _FIRST_FD + int(count)), names, strict=False):
        with suppress(OSError):
            os.set_inheritable(fd, False)
            kept.append((name, fd))
    return kept
