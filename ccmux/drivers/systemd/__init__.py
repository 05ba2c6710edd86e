"""systemd: the user's service manager, the unit files it reads, and what it is told and gives back."""

from ccmux.drivers.systemd.manager import UserManager

__all__ = ["UserManager"]
