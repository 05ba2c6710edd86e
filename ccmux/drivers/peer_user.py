"""Whose process is at the other end of a TCP connection on this machine (proc(5), /proc/net/tcp)."""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_address
from pathlib import Path

_ESTABLISHED = "01"  # of the kernel's tcp_states.h; who has ended belongs to nobody any more
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def user_of(address: str, port: int) -> int | None:
    """Return the uid of who has this end of a connection; None where it is not of this machine."""
    wanted = {_written(address, port)}
    found = ip_address(address)
    wanted.add(_written(f"::ffff:{found}", port) if found.version == 4 else "")
    if found.version == 6 and found.ipv4_mapped is not None:
        wanted.add(_written(str(found.ipv4_mapped), port))
    for table in _TABLES:
        if not table.exists():
            continue
        for line in table.read_text("ascii").splitlines()[1:]:
            words = line.split()
            if words[1] in wanted and words[3] == _ESTABLISHED:
                return int(words[7])
    return None


def _written(address: str, port: int) -> str:
    """Return an address and port as the kernel prints them: 32-bit words in the machine's own byte order."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    hexadecimal = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{hexadecimal}:{port:04X}"
