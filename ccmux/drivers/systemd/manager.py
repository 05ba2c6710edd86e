"""The user's own systemd: asked and told through its tools, one call and one time limit each.

Blocking: a command line may call it, an event loop may not. It knows no unit of ours and writes no file.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccmux.ask_program import Answer, ask_program
from ccmux.core.errors import ServiceManagerFailed
from ccmux.core.unit_reading import (
    FAILURE_FIELDS,
    REASON_FIELDS,
    SHOWN,
    START_FAILED,
    UNIT_FAILED,
    read_failures,
    read_next,
    read_reason,
    read_timers,
    read_units,
    read_version,
    with_timers,
)
from ccmux.core.unit_state import NoManager, UnitState

_QUESTION_S = 20.0
_ACTION_S = 400.0
"""A unit's own limits end before this: the daemon's start may take 300 s, its stop before that 30 s."""
_MOST_FAILURES = 2_000
"""A unit that is started anew every few seconds fails a hundred thousand times a week."""
_REASON_LINES = 100
"""A daemon that ends says why in its last lines; others of that name may print between."""
_SYSTEMD_RUNS = Path("/run/systemd/system")  # sd_booted(3)
_LINGER = Path("/var/lib/systemd/linger")
_INSTEAD = "or run `ccmux` in the foreground, or under a process supervisor of yours"
_ELSEWHERE = f"use a machine that systemd boots, {_INSTEAD}"


class UserManager:
    """The service manager of the user we run as.

    Attributes:
        runtime_dir: The user's XDG_RUNTIME_DIR, there or not.

    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment`: the caller's; where it lacks XDG_RUNTIME_DIR (su, cron), the usual one is tried."""
        runtime_dir = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        self.runtime_dir = Path(runtime_dir)
        self._local = {**environment, "XDG_RUNTIME_DIR": runtime_dir, "LC_ALL": "C"}
        self._environment = {**self._local, "TZ": "UTC"}

    def unreachable(self) -> NoManager | None:
        """Return None where a user manager answers, else why none does."""
        argv = ["systemctl", "--user", "show", "-p", "Version"]
        answer = ask_program(argv, environment=self._environment, limit_s=_QUESTION_S)
        if answer.exit_code == 0:
            return None
        if answer.is_missing:
            return NoManager(why="systemctl is not on the PATH", way_out=_ELSEWHERE)
        if answer.exit_code is None:
            look = f"see what holds it: `{' '.join(argv)}`, {_INSTEAD}"
            return NoManager(why=f"systemctl does not end ({answer.err})", way_out=look)
        if not _SYSTEMD_RUNS.is_dir():
            return NoManager(why="no systemd runs here (a container?)", way_out=_ELSEWHERE)
        user = _user()
        if self.is_absent():
            return NoManager(
                why=f"no user manager runs for {user} (nothing in {self.runtime_dir}/systemd)",
                way_out=f"start it with `sudo loginctl enable-linger {user}`, {_INSTEAD}",
            )
        return NoManager(
            why=f"the user manager of {user} does not answer ({_reason(answer)})",
            way_out=f"log in as {user} itself, not by su or sudo, {_INSTEAD}",
        )

    def is_absent(self) -> bool:
        """Whether none runs, as far as can be seen: so none keeps anything running."""
        return _is_absent(self.runtime_dir / "systemd/private")

    def version(self) -> int | None:
        """Return the running manager's version, 252; None where it tells none."""
        answer = self._call(["systemctl", "--user", "show", "-p", "Version", "--value"], limit_s=_QUESTION_S)
        return read_version(answer.out)

    def unit_path(self) -> list[str]:
        """Return the folders it reads units from."""
        return self._ask("show", "-p", "UnitPath", "--value").split()

    def units(self, names: Sequence[str]) -> list[UnitState]:
        """Return each named unit's state, in this order, also of units that do not exist."""
        if not names:
            return []
        units = read_units(self._ask("show", "-p", ",".join(SHOWN), "--", *names))
        if not any(name.endswith(".timer") for name in names):
            return units
        return with_timers(units, read_timers(self._ask("list-timers", "--all", "--output=json")))

    def failures(self, since_s: float) -> list[tuple[float, str, str]]:
        """Return (epoch seconds, unit, result) of user units that failed since; [] where none can be read.

        One failure of a unit is one entry; a unit that systemd starts again fails many times. Of too many
        these are the newest, the oldest of them first.
        """
        found = [f"_UID={os.getuid()}", f"MESSAGE_ID={UNIT_FAILED}", f"MESSAGE_ID={START_FAILED}"]
        try:
            answer = self._call(
                [
                    *("journalctl", "-q", "--no-pager", "-o", "json", f"--output-fields={FAILURE_FIELDS}"),
                    *_newest(_MOST_FAILURES, since_s),
                    *found,
                ],
                limit_s=_QUESTION_S,
            )
        except ServiceManagerFailed:
            return []
        return read_failures(_oldest_first(answer.out))

    def reason(self, identifier: str, *, since_s: float, running: int) -> str:
        """Return why a program of ours ended last, by its own last words since then; "" where there are none.

        `identifier`: the name its output bears; one that ends at once leaves lines that name no unit.
        `running`: its process now, 0 where there is none.
        """
        try:
            answer = self._call(
                [
                    *("journalctl", "-q", "--no-pager", "-o", "json", f"--output-fields={REASON_FIELDS}"),
                    *_newest(_REASON_LINES, since_s),
                    *(f"--identifier={identifier}", f"_UID={os.getuid()}"),
                ],
                limit_s=_QUESTION_S,
            )
        except ServiceManagerFailed:
            return ""
        return read_reason(_oldest_first(answer.out), running=running)

    def calendar_problem(self, expression: str) -> str | None:
        """Return what is wrong with an OnCalendar expression (systemd.time(7)), None where nothing is."""
        answer = self._call(["systemd-analyze", "calendar", "--", expression], limit_s=_QUESTION_S)
        return None if answer.exit_code == 0 else _reason(answer)

    def next_run(self, expression: str, *, after_s: float) -> float | None:
        """Return when a calendar comes first after a time, in epoch seconds; None: never, or it is none."""
        base = f"--base-time=@{after_s:.0f}"
        argv = ["systemd-analyze", "calendar", base, "--iterations=1", "--", expression]
        # A calendar means local time, the machine's or the one of TZ.
        return read_next(self._call(argv, limit_s=_QUESTION_S, environment=self._local).out)

    def lingering(self) -> bool | None:
        """Return whether the user's units run without a login; None where nobody knows (no logind)."""
        user = _user()
        try:
            answer = self._call(["loginctl", "show-user", "-p", "Linger", "--", user], limit_s=_QUESTION_S)
        except ServiceManagerFailed:
            answer = None
        if answer is not None and answer.exit_code == 0:
            return answer.out.strip() == "Linger=yes"
        if (_LINGER / user).exists():
            return True
        # logind forgets a user who neither is logged in nor lingers.
        return False if answer is not None and "not logged in" in answer.err else None

    def enable_linger(self) -> str:
        """Let the user's units run without a login; return "" where it is done, else why not."""
        try:
            answer = self._call(["loginctl", "--no-ask-password", "enable-linger"], limit_s=_QUESTION_S)
        except ServiceManagerFailed as error:
            return str(error)
        return "" if answer.exit_code == 0 else _reason(answer)

    def reload(self) -> None:
        """Read the unit files again."""
        self._tell("daemon-reload")

    def enable(self, *names: str) -> None:
        """Let their targets start them, as their [Install] says."""
        self._tell("enable", *names)

    def disable_now(self, *names: str) -> None:
        """Stop them, and let nothing start them."""
        self._tell("disable", "--now", *names)

    def start(self, *names: str, wait: bool = True) -> None:
        """Start them; without `wait` only ask for it: what it may be part of goes on at once."""
        self._tell("start", *([] if wait else ["--no-block"]), *names)

    def stop(self, *names: str) -> None:
        """Stop them."""
        self._tell("stop", *names)

    def try_restart(self, *names: str, wait: bool = True) -> None:
        """Restart those of them that run. `wait` as in `start`."""
        self._tell("try-restart", *([] if wait else ["--no-block"]), *names)

    def reset_failed(self, *names: str) -> None:
        """Forget that they failed and how often they started; who did not fail has nothing to forget."""
        failed = [unit.name for unit in self.units(names) if unit.active == "failed"]
        self._tell("reset-failed", *failed)

    def _ask(self, *words: str) -> str:
        answer = self._call(["systemctl", "--user", "--no-pager", *words], limit_s=_QUESTION_S)
        if answer.exit_code != 0:
            raise ServiceManagerFailed(f"systemctl --user {words[0]}", _reason(answer))
        return answer.out

    def _tell(self, verb: str, *words: str) -> None:
        """Do it, unless it is for units and there are none."""
        if verb != "daemon-reload" and all(word.startswith("-") for word in words):
            return
        answer = self._call(["systemctl", "--user", "--no-ask-password", verb, *words], limit_s=_ACTION_S)
        if answer.exit_code != 0:
            raise ServiceManagerFailed(f"systemctl --user {' '.join([verb, *words])}", _reason(answer))

    def _call(
        self, argv: Sequence[str], *, limit_s: float, environment: Mapping[str, str] | None = None
    ) -> Answer:
        answer = ask_program(argv, environment=environment or self._environment, limit_s=limit_s)
        if answer.is_missing:
            raise ServiceManagerFailed(argv[0], "it is not on the PATH: is this machine run by systemd?")
        if answer.exit_code is None:
            raise ServiceManagerFailed(" ".join(argv), answer.err)
        return answer


def _newest(lines: int, since_s: float) -> tuple[str, ...]:
    """Return what makes journalctl tell the newest lines since then, the newest first."""
    # Without --reverse --lines are the oldest since then (systemd 252).
    return "--reverse", f"--lines={lines}", f"--since=@{since_s:.6f}"


def _oldest_first(told: str) -> str:
    return "\n".join(reversed(told.split("\n")))


def _is_absent(path: Path) -> bool:
    """Whether nothing is there; what may not be looked at is: XDG_RUNTIME_DIR outlives a plain su."""
    try:
        return not path.exists()
    except PermissionError:
        return False


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _reason(answer: Answer) -> str:
    """Return the tool's own words on one line, without its advice to read more."""
    lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("See ", "Hint: ", "Created ", "Removed "))]
    return "; ".join(lines) or f"exit code {answer.exit_code}"
