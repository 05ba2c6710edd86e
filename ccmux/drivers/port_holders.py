"""Reads from /proc who listens on a TCP port of this machine. It connects to nobody."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ccmux.core.doctor.port import Listener

_PROC = Path("/proc")
_ORDER = sys.byteorder
_LISTENING = "0A"  # TCP_LISTEN of the kernel's tcp_states.h
_HIDING = frozenset({"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"})  # noqa: S104 - read, not bound
"""Who has the port on one of these addresses keeps us from it on 127.0.0.1."""


def port_holders(port: int) -> list[Listener]:
    """Return who listens where a program that wants 127.0.0.1:`port` would.

    Raises:
        OSError: There is no /proc to read.

    """
    found = [row for row in _rows() if row[1] == port and row[0] in _HIDING]
    holders = _holders({inode for _, _, _, inode in found}) if found else {}
    return [
        Listener(address=address, uid=uid, pid=pid, program=_name(pid) if pid is not None else "")
        for address, _, uid, inode in found
        for pid in [holders.get(inode)]
    ]


def _rows() -> Iterator[tuple[str, int, int, str]]:
    """Yield address, port, uid and inode of each listening socket (proc(5), /proc/net/tcp)."""
    for table in ("tcp", "tcp6"):
        file = _PROC / "net" / table
        if table == "tcp6" and not file.exists():
            continue
        for line in file.read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENING:
                address, _, port = words[1].partition(":")
                yield _address(address), int(port, 16), int(words[7]), words[9]


def _address(hexadecimal: str) -> str:
    """Return the address that the kernel prints as 32-bit words in the machine's own byte order."""
    words = [hexadecimal[at : at + 8] for at in range(0, len(hexadecimal), 8)]
    packed = b"".join(int(word, 16).to_bytes(4, _ORDER) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _holders(inodes: set[str]) -> dict[str, int]:
    """Return, of the processes whose descriptors we may see, the first that has each socket."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, int] = {}
    for process in sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()):
        with suppress(OSError), os.scandir(_PROC / str(process) / "fd") as descriptors:
            for descriptor in descriptors:
                with suppress(OSError):
                    inode = wanted.get(str(Path(descriptor.path).readlink()))
                    if inode is not None:
                        found.setdefault(inode, process)
    return found


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "a program that has just ended"


__all__ = ["port_holders"]
