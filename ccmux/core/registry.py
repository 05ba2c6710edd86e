"""What Claude's own registry file `sessions/<pid>.json` says. It never raises.

The file is neither documented nor written atomically; its fields were measured on Claude Code 2.1.329.
Statuses seen there: `idle`, `busy`, `waiting`, and `shell` (idle while a shell command of an earlier turn
still runs in the background).
"""

from __future__ import annotations

import msgspec

from ccmux.core.observation import RegistryEntry


class _File(msgspec.Struct, rename="camel"):
    pid: int
    session_id: str
    status: str = ""
    waiting_for: str | None = None
    status_updated_at: float = 0
    proc_start: str | int = ""
    version: str = ""


_DECODER = msgspec.json.Decoder(_File)


def read_registry(raw: bytes) -> RegistryEntry | None:
    """Return what the file's bytes say, or None where they are no whole entry now: read again soon.

    A reader meets the file empty, cut, or with a tail of its older text.
    """
    try:
        file = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return RegistryEntry(
        pid=file.pid,
        session_id=file.session_id,
        status=file.status,
        waiting_for=file.waiting_for or "",
        updated_at=file.status_updated_at / 1000,
        proc_start=str(file.proc_start),
        version=file.version,
    )
