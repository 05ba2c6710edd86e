"""Attach this terminal to Claude's tmux session. Ctrl-b d leaves it; Claude and ccmux go on."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NoReturn

EXAMPLES = """\
examples:
  ccmux attach
  tmux attach -t =ccmux-NAME    the same, where [tmux] socket is ""
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing but the place."""


def run(arguments: Namespace) -> int:
    """Become tmux; inside tmux, switch the client there."""
    from ccmux.cli.place import find_place
    from ccmux.upkeep.patient import Patient

    place = find_place(arguments)
    tmux = Patient(place.config, os.environ).tmux
    target = f"={place.paths.tmux_session}"
    try:
        found = subprocess.run([*tmux, "has-session", "-t", target], capture_output=True, check=False)
    except FileNotFoundError:
        return _failed("tmux is not on the PATH; install it (apt-get install tmux)")
    if found.returncode != 0:
        return _failed(f"there is no tmux session {place.paths.tmux_session}; start ccmux first")
    inside = os.environ.get("TMUX", "").partition(",")[0]
    server = tmux[-1]  # a path, or a name where no daemon tells more
    if inside and server not in {inside, Path(inside).name}:
        words = " ".join(["env -u TMUX", *tmux, "attach -t", target])
        return _failed(f"this terminal is inside another tmux server; leave it, or nest: {words}")
    verb = "switch-client" if inside else "attach-session"
    return _become([*tmux, verb, "-t", target])


def _become(words: list[str]) -> NoReturn:
    os.execvp(words[0], words)  # noqa: S606 - there is no shell to want


def _failed(sentence: str) -> int:
    sys.stderr.write(f"ccmux: {sentence}\n")
    return 1
