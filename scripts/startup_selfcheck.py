#!/usr/bin/env python3
"""Tells Claude what happened since the last time; [timers.selfcheck] starts it after each start of ccmux."""

import os
import sys
from pathlib import Path

OURS = Path(__file__).resolve().parents[1] / ".venv/bin/python"

try:
    from ccmux.cli.selfcheck import main
except ModuleNotFoundError:
    # Started by hand, with another Python than ccmux's own.
    if not OURS.exists() or sys.executable == str(OURS):
        raise
    os.execv(OURS, [str(OURS), *sys.argv])  # noqa: S606 - there is no shell to want

sys.exit(main(sys.argv[1:]))
