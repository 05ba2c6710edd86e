"""Acts on the runtime directory: makes it, refuses it where others could reach in, holds it for one daemon.

It never removes or changes what it did not make, and ends its holder only when asked to. The lock is a file
beside the directory (`DIR.lock`), not in it: somebody may delete the directory under a running daemon, and
then a second one must still be kept out.
"""

from __future__ import annotations

import fcntl
import os
import select
import shlex
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ccmux.core.doctor.files import Kind, is_made_by_ccmux
from ccmux.core.errors import AlreadyRunning, RuntimeDirUnsafe

_SET_ANOTHER = "set another [runtime] dir in ccmux.toml"
_LOCK_BYTES = 4_096


class RuntimeDir:
    """The directory, for the daemon of `project`.

    Attributes:
        path: Absolute.
        lock_path: The lock file; it stays when the daemon ends, for deleting it would let two in.

    """

    def __init__(self, path: Path, *, project: str) -> None:
        self.path = path
        self.lock_path = path.with_name(f"{path.name}.lock")
        self._project = project
        self._lock: int | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Have the directory, safe and for this daemon alone.

        Raises:
            RuntimeDirUnsafe: It is not ours alone, or cannot be made.
            AlreadyRunning: Another daemon holds it.

        """
        try:
            self.restore()
            yield
        finally:
            if self._lock is not None:
                os.ftruncate(self._lock, 0)
                os.close(self._lock)
                self._lock = None

    def restore(self) -> None:
        """Make again what is missing of the directory and its lock; check what is there. Raises as `hold`."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._lock is None or not self._lock_stands(self._lock):
                held, self._lock = self._lock, self._locked()
                if held is not None:
                    os.close(held)
            if not os.path.lexists(self.path):
                self.path.mkdir(mode=0o700)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RuntimeDirUnsafe(str(self.path), f"it cannot be made ({reason})", _SET_ANOTHER) from error
        self._check()

    def _check(self) -> None:
        found = self.path.lstat()
        quoted = shlex.quote(str(self.path))
        if stat.S_ISLNK(found.st_mode):
            raise RuntimeDirUnsafe(str(self.path), "it is a link", f"`rm {quoted}`, or {_SET_ANOTHER}")
        if not stat.S_ISDIR(found.st_mode):
            raise RuntimeDirUnsafe(
                str(self.path), "it is not a directory", f"move it away, or {_SET_ANOTHER}"
            )
        if found.st_uid != os.geteuid():
            raise RuntimeDirUnsafe(str(self.path), f"it belongs to user {found.st_uid}", _SET_ANOTHER)
        if found.st_mode & 0o077:
            reason = f"others can reach into it (mode {stat.S_IMODE(found.st_mode):04o})"
            if not _is_ours(self.path):
                raise RuntimeDirUnsafe(
                    str(self.path), f"{reason}, and not all in it is ccmux's", _SET_ANOTHER
                )
            raise RuntimeDirUnsafe(str(self.path), reason, f"`chmod 700 {quoted}`")

    def _locked(self) -> int:
        """Return the locked descriptor of the lock file."""
        opened = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            found = os.fstat(opened)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                reason = f"its lock {self.lock_path} is not a file of yours"
                raise RuntimeDirUnsafe(str(self.path), reason, _SET_ANOTHER)  # noqa: TRY301 - as the others
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _holder(os.pread(opened, _LOCK_BYTES, 0))
                raise AlreadyRunning(str(self.path), holder.pid, holder.project) from None
            os.ftruncate(opened, 0)
            os.pwrite(opened, msgspec.json.encode(_Holder(os.getpid(), self._project)), 0)
        except BaseException:
            os.close(opened)
            raise
        return opened

    def _lock_stands(self, lock: int) -> bool:
        """Tell whether the lock file is still the one we hold."""
        try:
            return os.path.samestat(os.fstat(lock), self.lock_path.lstat())
        except FileNotFoundError:
            return False


class RunningDaemon:
    """The daemon that holds a runtime directory; its pid cannot become somebody else's meanwhile.

    Attributes:
        pid: Its process.
        project: Its project's name.

    """

    def __init__(self, descriptor: int, pid: int, project: str) -> None:
        """`descriptor` is a pidfd, and ours from now on."""
        self._descriptor = descriptor
        self.pid = pid
        self.project = project

    @classmethod
    @contextmanager
    def found(cls, path: Path) -> Iterator[RunningDaemon | None]:
        """Find the daemon of the runtime directory `path`; None where none runs."""
        lock_path = path.with_name(f"{path.name}.lock")
        try:
            holder = _holder(lock_path.read_bytes()[:_LOCK_BYTES])
            descriptor = os.pidfd_open(holder.pid)
        except (OSError, ValueError):  # no lock, nobody holds it, or whoever did is gone
            yield None
            return
        try:
            # Whoever has the lock's file open is the daemon: to try the lock would keep one from starting.
            yield cls(descriptor, holder.pid, holder.project) if _has_open(holder.pid, lock_path) else None
        finally:
            os.close(descriptor)

    def ask_to_end(self) -> None:
        """Send SIGTERM, for an end in order; one that has ended hears nothing."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)

    def ended(self, *, within_s: float) -> bool:
        """Wait for its end; return whether it came in time."""
        return bool(select.select([self._descriptor], [], [], within_s)[0])


def _is_ours(folder: Path) -> bool:
    """Tell whether nothing is in this folder but what ccmux makes: to close it shuts nobody out."""
    try:
        with os.scandir(folder) as found:
            return all(
                is_made_by_ccmux(one.name, _kind(one.stat(follow_symlinks=False).st_mode)) for one in found
            )
    except OSError:  # nobody knows then
        return False


def _kind(mode: int) -> Kind:
    if stat.S_ISFIFO(mode):
        return Kind.FIFO
    return Kind.SOCKET if stat.S_ISSOCK(mode) else Kind.OTHER


def _has_open(pid: int, path: Path) -> bool:
    """Tell whether a process has this file open."""
    with suppress(OSError):
        wanted = path.stat()
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(opened.stat(), wanted):
                    return True
    return False


class _Holder(msgspec.Struct):
    pid: int = 0
    project: str = "unknown"


def _holder(written: bytes) -> _Holder:
    try:
        return msgspec.json.decode(written, type=_Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Holder()  # it has the lock and has not written yet who it is
