"""systemd's descriptor store: the port `Keeper` where the service manager holds descriptors over our death.

What was stored comes back as LISTEN_FDS at the next start (sd_listen_fds(3), sd_notify(3) FDSTORE=1). systemd
answers nothing, so the environment must say that there is a store: FDSTORE (systemd 254 and later set it; our
unit sets it for older ones). Up to systemd 253 a `systemctl stop` empties the store; a restart never does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

_FIRST_FD = 3  # SD_LISTEN_FDS_START

log = structlog.get_logger()


class FdStore:
    """The port Keeper on the service manager that started us."""

    def __init__(self, notify_socket: str, kept: Sequence[tuple[str, int]]) -> None:
        """`notify_socket` as in NOTIFY_SOCKET; `kept` is what came back."""
        self._address = f"\0{notify_socket[1:]}" if notify_socket.startswith("@") else notify_socket
        self._kept = list(kept)
        self._held = {key for key, _ in kept}

    @classmethod
    def found(cls, environment: Mapping[str, str], *, pid: int) -> FdStore | None:
        """Return the store this process was given, None where there is none.

        Args:
            environment: Of the process.
            pid: Of the process: descriptors for another one are not ours.
        """
        address, room = environment.get("NOTIFY_SOCKET", ""), environment.get("FDSTORE", "")
        if not address or not room.isascii() or not room.isdecimal() or int(room) == 0:
            return None
        return cls(address, _listening(environment, pid))

    def kept(self) -> Sequence[tuple[str, int]]:
        """Return what outlived the last daemon; see the port."""
        kept, self._kept = self._kept, []
        return kept

    def keep(self, key: str, fd: int) -> None:
        """Hold this too; see the port."""
        if key not in self._held and self._tell(f"FDSTORE=1\nFDNAME={key}\nFDPOLL=0", [fd]):
            self._held.add(key)

    def drop(self, key: str) -> None:
        """Hold it no more; see the port."""
        self._held.discard(key)
        self._tell(f"FDSTOREREMOVE=1\nFDNAME={key}", [])

    def _tell(self, text: str, fds: Sequence[int]) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            try:
                notify.connect(self._address)
                socket.send_fds(notify, [text.encode()], fds)
            except OSError as error:
                reason = error.strerror or str(error)
                log.warning("descriptor not stored", reason=reason)
                return False
        return True


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
