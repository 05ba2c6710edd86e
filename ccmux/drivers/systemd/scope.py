"""Control groups of their own: how a program is started that shall outlive the service we are.

systemd ends a service with everything in its control group; what was started through `systemd-run --scope` is
in another one (systemd-run(1)). It starts nothing itself.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence

_WITHOUT_ID = ("env", "-u", "INVOCATION_ID")


class Scopes:
    """Words that, before a command, start it in a scope of its own."""

    def __init__(self, program: str, *, project: str) -> None:
        """`program` is systemd-run; `project` stands in the scopes' names."""
        self._program = program
        self._project = project

    @classmethod
    def found(cls, environment: Mapping[str, str], *, pid: int, project: str) -> Scopes | None:
        """Return the way to scopes where systemd started the process `pid` as a service; else None.

        systemd 248 and later name the process they start; under older ones a service of Type=notify is known
        by what else they say to it.
        """
        named = environment.get("SYSTEMD_EXEC_PID")
        if named is None:
            is_service = bool(environment.get("INVOCATION_ID") and environment.get("NOTIFY_SOCKET"))
        else:
            is_service = named == str(pid)
        if not is_service:
            return None
        program = shutil.which("systemd-run", path=environment.get("PATH"))
        return cls(program or "systemd-run", project=project)

    def ways(self) -> Sequence[Sequence[str]]:
        """Return them for a new scope, several to be tried in this order.

        The scope's name is new each time: an older one stays as long as a process is in it that Claude left
        behind. Since systemd 253 a scope ends as a whole when memory runs out for one of its processes, some
        compiler that Claude called, unless OOMPolicy says otherwise; older ones do not know that word.
        """
        unit = f"ccmux-tmux-{self._project}-{secrets.token_hex(4)}.scope"
        begin = (self._program, "--user", "--scope", "--quiet", "--collect", f"--unit={unit}")
        # Also a scope is given an INVOCATION_ID, and by that some programs take themselves for a service.
        end = (f"--description=tmux and Claude of the project {self._project}", "--", *_WITHOUT_ID)
        return ((*begin, "--property=OOMPolicy=continue", *end), (*begin, *end))
