"""Processes of ours: started without a shell, read as they print, ended with all that they started.

A small process of its own, the nursery, is their parent. The kernel stops a thread that starts a process
until that runs, and Python keeps its lock meanwhile: in the nursery nobody waits for that. And when the
daemon is killed, the nursery is there to end its children.
"""

from __future__ import annotations

from ccmux.drivers.children.child import Child
from ccmux.drivers.children.nursery import Nursery

__all__ = ["Child", "Nursery"]
