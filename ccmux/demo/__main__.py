"""Starts the demo agent as `python -m ccmux.demo`."""

from __future__ import annotations

from ccmux.demo.main import entry

entry()
