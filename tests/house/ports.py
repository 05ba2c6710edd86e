"""Where tests find ports for their daemons."""

from __future__ import annotations

from ccmux.trial.ports import LentPort

__all__ = ["LentPort"]
