"""The folder of the user's own unit files. It reads, renews and removes files there, and judges none of them.

Enabling is systemctl's business: links below it (ccmux.target.wants) are touched only where no manager runs.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ccmux.core.errors import UnitFileFailed
from ccmux.files import replace_file

_SUFFIXES = {".service", ".target", ".timer", ".socket", ".path", ".slice"}


class UnitFiles:
    """The unit files named ccmux*, whoever made them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` says where they are, as it does for the user's service manager: systemd.unit(5)."""
        config = (
            environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or Path.home()) / ".config"
        )
        self.folder = Path(config) / "systemd/user"

    def read(self) -> dict[str, str]:
        """Return the text of each by name; a folder and a link that leads nowhere are there with none.

        Raises:
            UnitFileFailed: One cannot be read.

        """
        try:
            return {
                path.name: _text(path)
                for path in sorted(self.folder.glob("ccmux*"))
                if path.suffix in _SUFFIXES
            }
        except OSError as error:
            raise UnitFileFailed(error.filename, "read", error.strerror or "") from error

    def write(self, name: str, text: str) -> None:
        """Put this text in its place, at once and for good.

        Raises:
            UnitFileFailed: It is as it was.

        """
        path = self.folder / name
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, text.encode(errors="surrogateescape"), mode=0o600)  # env may hold secrets
        except OSError as error:
            raise UnitFileFailed(str(path), "written", error.strerror or "") from error

    def remove(self, name: str) -> None:
        """Remove it; one that is gone is.

        Raises:
            UnitFileFailed: It is still there.

        """
        path = self.folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UnitFileFailed(str(path), "removed", error.strerror or "") from error

    def disable(self, name: str) -> None:
        """Remove the links by which other units start this one, as systemctl would where a manager runs.

        Raises:
            UnitFileFailed: One is still there.

        """
        for link in self.folder.glob("*.wants/" + name):
            try:
                # One that leads elsewhere was made by somebody else.
                if not link.is_symlink() or _leads_to(link) != os.path.normpath(self.folder / name):
                    continue
                link.unlink()
            except OSError as error:
                raise UnitFileFailed(str(link), "removed", error.strerror or "") from error
            with suppress(OSError):  # others are started from there as well
                link.parent.rmdir()


class Renewal:
    """The lock that one deployment holds, and in it what it began to change: the next one finishes it.

    Its file lies in the user's runtime directory: a reboot empties it, and loads every unit anew.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def begun(self) -> frozenset[str]:
        """Return the units whose files were changed while systemd may not have taken that in."""
        size = os.fstat(self._handle).st_size
        return frozenset(os.pread(self._handle, size, 0).decode(errors="replace").split())

    def begin(self, names: Sequence[str]) -> None:
        """Put down, before any file is changed, what will be; what was put down before stays."""
        os.lseek(self._handle, 0, os.SEEK_END)
        os.write(self._handle, "".join(f"{name}\n" for name in names).encode())

    def done(self) -> None:
        """Forget: systemd has taken it all in."""
        os.ftruncate(self._handle, 0)


@contextmanager
def only_deployment(runtime_dir: Path, *, on_wait: Callable[[], None]) -> Iterator[Renewal]:
    """Hold the user's deployments to one at a time; a process that dies lets go.

    Args:
        runtime_dir: The user's, as in XDG_RUNTIME_DIR.
        on_wait: Called once where another deployment is at work.

    Raises:
        UnitFileFailed: The lock's file cannot be made.

    """
    path = runtime_dir / "ccmux-deploy.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnitFileFailed(str(path), "written", error.strerror or "") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield Renewal(handle)
    finally:
        os.close(handle)


def _leads_to(link: Path) -> str:
    return os.path.normpath(link.parent / link.readlink())


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except (FileNotFoundError, IsADirectoryError):
        return ""
