#!/usr/bin/env python3
"""Looks for what is personal or secret before it is committed; hooks/pre-commit starts it at each commit."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def pythons() -> Iterator[str]:
    """Yield where ccmux's own Python is: here, or, for a working tree without one, in the main one."""
    yield str(CHECKOUT / ".venv/bin/python")
    words = ["git", "-C", str(CHECKOUT), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    # In a hook, git's variables may be relative to another folder.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    said = subprocess.run(words, env=plain, capture_output=True, text=True, check=False).stdout.strip()
    yield str(Path(said).parent / ".venv/bin/python")


try:
    from ccmux.cli.privacy import main
except ModuleNotFoundError:
    for ours in pythons():
        if os.path.exists(ours) and sys.executable != ours:  # noqa: PTH110
            os.execv(ours, [ours, *sys.argv])  # noqa: S606 - there is no shell to want
    sys.exit("privacy_check.py: ccmux is not installed here; run scripts/setup")

called = os.path.abspath(sys.argv[0])  # noqa: PTH100 - a link stays one
sys.exit(main(sys.argv[1:], command=min(called, os.path.relpath(called), key=len)))
