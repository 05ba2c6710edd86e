"""How ccmux-deploy tells of its work: what is done on standard output, what to know on stderr."""

from __future__ import annotations

import sys

from ccmux.upkeep.deploying import Telling


def telling() -> Telling:
    """Return who is told."""
    return Telling(say=print, warn=_warn)


def _warn(sentence: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"ccmux-deploy: {sentence}\n")
