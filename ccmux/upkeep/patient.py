"""What everybody who looks at a place shares: what its daemon says, and the environment its Claude has."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ccmux.client import ControlClient
from ccmux.core.doctor.database import DatabaseFacts
from ccmux.core.doctor.session import DaemonFacts, Reach
from ccmux.core.errors import DaemonUnreachable, RequestRefused, SettingsInvalid
from ccmux.core.starting import Starting
from ccmux.drivers.processes import Processes
from ccmux.drivers.sqlite.checkup import check_up
from ccmux.paths import ClaudePaths, claude_paths
from ccmux.place import Place, last_good_place, starting_at

_DAEMON_S = 3.0
_NOBODY = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)


class Patient:
    """One project on this machine.

    Attributes:
        config: Where its settings stand or would stand.
        place: The place its settings lead to, or those that were good before; None where there are neither.
        problems: What is wrong with the settings where there is no place.
        environment: That of who asks.

    """

    def __init__(self, config: Path, environment: Mapping[str, str]) -> None:
        """`config` is the settings file, there or not; we are in the project's folder."""
        self.config = config
        self.environment = environment
        self.place: Place | None = None
        self.problems: tuple[str, ...] = ()
        try:
            self.place = last_good_place(config, environment)
        except SettingsInvalid as error:
            self.problems = error.problems

    @property
    def settings_changed_s(self) -> float | None:
        """How long ago the settings file changed; None where there is none, or nobody could use it."""
        if self.place is not None and self.place.trouble is not None:
            return None
        try:
            return time.time() - self.config.stat().st_mtime
        except FileNotFoundError:
            return None

    @cached_property
    def daemon(self) -> DaemonFacts:
        """What the daemon on the runtime directory's control socket says, whichever project's it is."""
        if self.place is None:
            return DaemonFacts(reach=Reach.NOBODY, status={})
        try:
            with ControlClient(self.place.paths.control_sock, timeout_s=_DAEMON_S) as control:
                return DaemonFacts(reach=Reach.ANSWERED, status=control.ask("status")["status"])
        except DaemonUnreachable as error:
            reach = Reach.NOBODY if isinstance(error.__cause__, _NOBODY) else Reach.SILENT
            return DaemonFacts(reach=reach, reason=error.reason, status={})
        except (RequestRefused, KeyError) as error:
            return DaemonFacts(reach=Reach.SILENT, reason=str(error), status={})

    @cached_property
    def starting(self) -> Starting:
        """Who starts the daemon of this settings file."""
        demo = self.is_ours_up and bool(self.daemon.status.get("demo"))
        return replace(starting_at(self.config, self.environment), demo=demo)

    @property
    def is_ours_up(self) -> bool:
        """Whether this project's own daemon answers."""
        return (
            self.place is not None
            and self.daemon.is_up
            and self.daemon.status.get("session") == self.place.paths.project
        )

    @property
    def claude_pid(self) -> int | None:
        """Claude's process, None where it does not run or nobody tells."""
        pid = self.daemon.status.get("pid") if self.is_ours_up else None
        return pid if isinstance(pid, int) else None

    @property
    def tmux(self) -> tuple[str, ...]:
        """The first words of a command to the tmux server that hosts Claude: the daemon's, where it tells.

        Who has another TMUX_TMPDIR than the daemon would see another server by its name.
        """
        if self.is_ours_up and (told := self.daemon.status.get("tmux_socket")):
            return ("tmux", "-S", str(told))
        # Without -L it would be the server of the tmux around us, if there is one.
        name = self.place.settings.tmux.socket if self.place is not None else ""
        return ("tmux", "-L", name or "default")

    @cached_property
    def database(self) -> DatabaseFacts | None:
        """What the database says of itself."""
        return None if self.place is None else check_up(self.place.paths.database)

    @cached_property
    def claude_environment(self) -> Mapping[str, str]:
        """The environment of the Claude that runs; where none does, what the next one would get from us."""
        if self.claude_pid is not None:
            running = Processes().environment(self.claude_pid)
            if running:
                return running
        claude = self.place.settings.claude if self.place is not None else None
        return {**self.environment, **(claude.env if claude is not None else {})}

    @property
    def claude_command(self) -> tuple[str, ...]:
        """The program and its first words."""
        if self.place is None or self.daemon.status.get("demo"):
            return (sys.executable, "-m", "ccmux.demo")
        return self.place.settings.claude.command

    @property
    def claude_paths(self) -> ClaudePaths:
        """Where Claude keeps its things."""
        return claude_paths(self.claude_environment)

    @property
    def uid(self) -> int:
        return os.geteuid()
