"""systemd: the user's service manager, the unit files it reads, and what it is told and gives back."""

from ccmux.drivers.systemd.fd_store import FdStore
from ccmux.drivers.systemd.manager import UserManager
from ccmux.drivers.systemd.notify import Notify
from ccmux.drivers.systemd.scope import Scopes

__all__ = ["FdStore", "Notify", "Scopes", "UserManager"]
