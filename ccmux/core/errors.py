"""Every error of ours: each sentence says what happened and the way out; its fields carry the facts.

CcmuxError
├── SettingsInvalid       the settings file has problems, all of them named
├── RuntimeDirUnsafe      the runtime directory is not ours alone
├── StateDirUnsafe        the data or state directory is not ours alone
├── AlreadyRunning        another daemon holds the runtime directory
├── DaemonStays           the daemon does not end
├── DaemonUnreachable     no daemon answers on control.sock
├── RequestRefused        the daemon understood a request and said no
├── PaneLost              the tmux pane, session or server went away
├── ChildNotStarted       a program of the overseer's cannot be started
├── ClaudeNotFound        the configured command is not a program
├── ClaudeStays           Claude was to end and still runs
├── InputStays            the input FIFOs cannot be read out
├── LaunchRefused         Claude cannot be started the way it is configured
├── GitFailed             git did not do what it was asked
├── AllowlistInvalid      the privacy gate's allowlist has problems, all of them named
├── NothingToTry          there is no other Claude Code to try
├── OverseerRefused       the overseer cannot be started as it was asked to
├── PortTaken             the HTTP port belongs to somebody else
├── RelayRefused          the relay cannot be started as it was asked to
├── ProjectFileFailed     a file of the project's cannot be read or written
├── RelayFailed           the relay of live status is not there, or does not take what we tell
├── FileUnfit             a file of somebody else's is not what it should be, so it is left alone
├── SecretUnsafe          a file of secrets is not ours alone
├── DeploymentRefused     what the settings ask for cannot be deployed
├── ServiceManagerFailed  systemd did not do what it was asked
├── UnitFileFailed        a file of systemd's user units cannot be read or written
├── UnitUnfit             a path or variable cannot stand in a unit file
└── StoreFailed           the database could not do what was asked
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum


class CcmuxError(Exception):
    """Base of all our errors; `str(error)` is one line, for logs and for a person."""

    @property
    def lines(self) -> list[str]:
        """What a person is told at a terminal: a line, or one for each of several problems."""
        return [str(self)]


def first_of(group: BaseExceptionGroup[CcmuxError]) -> CcmuxError:
    """Return the error that ended a group; what failed after it failed because of it."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error


class SettingsInvalid(CcmuxError):
    """The settings file has problems; all are listed. Mend the named lines and start again."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(f"{path}: " + "; ".join(self.problems))

    @property
    def lines(self) -> list[str]:
        return _listed(self.path, self.problems) if len(self.problems) > 1 else [str(self)]


def _listed(path: str, problems: Sequence[str]) -> list[str]:
    return [f"{path} has {len(problems)} problems:", *(f"  {problem}" for problem in problems)]


class RuntimeDirUnsafe(CcmuxError):
    """The runtime directory belongs to somebody else, is a link, or is open to others."""

    def __init__(self, path: str, reason: str, way_out: str) -> None:
        self.path = path
        super().__init__(f"refusing runtime directory {path}: {reason}; {way_out}")


class StateDirUnsafe(CcmuxError):
    """The data or state directory cannot be made, belongs to somebody else, or is open to others."""

    def __init__(self, path: str, reason: str, way_out: str) -> None:
        self.path = path
        super().__init__(f"refusing data directory {path}: {reason}; {way_out}")


class AlreadyRunning(CcmuxError):
    """Another daemon holds the lock of the runtime directory. Stop it, or set another `[runtime] dir`."""

    def __init__(self, path: str, pid: int, project: str) -> None:
        self.path = path
        self.pid = pid
        super().__init__(
            f"{path} is in use by the ccmux daemon of project '{project}' (pid {pid}); "
            f"stop it, or set another [runtime] dir in ccmux.toml"
        )


class DaemonStays(CcmuxError):
    """The daemon was asked to end and still runs."""

    def __init__(self, pid: int, waited_s: float) -> None:
        self.pid = pid
        super().__init__(
            f"the daemon (pid {pid}) still runs {waited_s:.0f} s after it was asked to end; "
            f"end it with `kill -9 {pid}`: nothing that it took is lost by that"
        )


class Unreached(StrEnum):
    """Why a daemon was not reached."""

    NOBODY = "nobody"
    """Nobody listens, or it went away."""
    SILENT = "silent"
    """Somebody listens, and says nothing in time."""
    OTHER = "other"
    """It is another project's, or no daemon of ccmux."""
    REFUSED = "refused"
    """It answers, and does not want us; it says why."""


_WAYS: Mapping[Unreached, str] = {
    Unreached.NOBODY: "start it with `ccmux`",
    Unreached.SILENT: "it hangs, or has very much to do: its log says why",
    Unreached.REFUSED: "mend that and try again",
    Unreached.OTHER: "set another [runtime] dir and another [mcp] port in ccmux.toml",
}


class DaemonUnreachable(CcmuxError):
    """Nobody answers on control.sock, or the wrong one does; `unreached` says which."""

    def __init__(
        self,
        path: str,
        reason: str,
        unreached: Unreached = Unreached.NOBODY,
        *,
        way_out: str = "",
        who: str = "daemon",
    ) -> None:
        """`way_out`: what to do, from who knows how `who` is started there; "" is the daemon by hand."""
        self.reason = reason
        self.unreached = unreached
        super().__init__(f"no {who} answers at {path} ({reason}); {way_out or _WAYS[unreached]}")


class RequestRefused(CcmuxError):
    """The daemon understood a request and refused it; the text says why and what would do."""


class PaneLost(CcmuxError):
    """The pane, its session or the tmux server went away; lifecycle builds it again."""

    def __init__(self, what: str, *, during: str) -> None:
        self.during = during
        super().__init__(f"tmux pane lost during {during}: {what}; ccmux builds the session again")


class ChildNotStarted(CcmuxError):
    """A program that is to be supervised cannot be started; `reason` is the system's own word."""

    def __init__(self, program: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"cannot start {program}: {reason}; name a program that is there and executable")


class ClaudeNotFound(CcmuxError):
    """The `[claude] command` is not an executable on the PATH; `instead` says what else can be done."""

    def __init__(self, command: str, *, instead: str = "try `ccmux --demo`") -> None:
        self.command = command
        super().__init__(
            f"'{command}' is not on the PATH; npm install -g @anthropic-ai/claude-code brings it; or "
            f"set [claude] command in ccmux.toml, or {instead}"
        )


class ClaudeStays(CcmuxError):
    """Claude was to end and still runs: below another tmux server than we see, or it does not want to."""

    def __init__(self, pid: int, socket: str, session: str) -> None:
        self.pid = pid
        there = shlex.quote(socket)
        super().__init__(
            f"Claude (pid {pid}) still runs, started in the tmux server {socket}; "
            f"end it there: `tmux -S {there} kill-session -t ={session}`, or else: `kill {pid}`"
        )


class InputStays(CcmuxError):
    """What stands in the input FIFOs could not be taken in time; if they have a keeper, it holds them."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            f"the input FIFOs were not read out in {waited_s:.0f} s; the log says why, try again after that"
        )


class LaunchRefused(CcmuxError):
    """Claude cannot be started the way `[claude]` in ccmux.toml says; the text says what to mend."""


class NothingToTry(CcmuxError):
    """There is no other Claude Code to try: npm or the version is missing, or the program is none."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(f"nothing to try: {reason}; {way_out}")


class OverseerRefused(CcmuxError):
    """The overseer cannot be started the way it was asked to; the text says what to mend."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(f"{reason}; {way_out}")


class GitFailed(CcmuxError):
    """git did not do what it was asked; `reason` is its own word. Mend that."""

    def __init__(self, command: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{command}: {reason}")


class AllowlistInvalid(CcmuxError):
    """The privacy gate's allowlist has problems; all are listed, and nothing is allowed meanwhile."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(f"{path}: " + "; ".join(self.problems))

    @property
    def lines(self) -> list[str]:
        return _listed(self.path, self.problems) if len(self.problems) > 1 else [str(self)]


class PortTaken(CcmuxError):
    """The HTTP port is in use by another program. Set another `[mcp] port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another program; set [mcp] port in ccmux.toml"
        )


class RelayRefused(CcmuxError):
    """The relay cannot be started the way it was asked to; the text says what to mend."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(f"{reason}; {way_out}")


class StoreFailed(CcmuxError):
    """The database could not do what was asked; `reason` is SQLite's own word.

    `passes`: it may end by itself (a full disk, another program's lock): the same call is worth another try.
    """

    def __init__(self, path: str, reason: str, way_out: str, *, passes: bool = False) -> None:
        self.reason = reason
        self.way_out = way_out
        self.passes = passes
        super().__init__(f"database {path}: {reason}; {way_out}")


class ProjectFileFailed(CcmuxError):
    """A file of the project's cannot be read or written; it is as it was. Mend its permissions."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} {reason}; mend its permissions and start ccmux again")


class RelayFailed(CcmuxError):
    """The relay of live status is not there, or does not take what it is told; it is told again later."""

    def __init__(self, endpoint: str, reason: str) -> None:
        self.reason = reason
        way_out = (
            "see that [live] endpoint or CC_LIVE_ENDPOINT is its address, and that both have the same key"
        )
        super().__init__(f"the relay {endpoint} was not told: {reason}; {way_out}")


class FileUnfit(CcmuxError):
    """A file of somebody else's cannot be changed, for it is not what it should be; it is as it was."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} is left as it is: {reason}; mend that and try again")


class SecretUnsafe(CcmuxError):
    """A secret, or the directory it lies in, is not ours alone, or is no secret at all."""

    def __init__(self, path: str, reason: str, way_out: str) -> None:
        self.path = path
        super().__init__(f"refusing secret {path}: {reason}; {way_out}")


class DeploymentRefused(CcmuxError):
    """What the settings ask for cannot be deployed; all that is in the way is told, nothing was changed."""

    def __init__(self, config: str, problems: Sequence[str]) -> None:
        self.config = config
        self.problems = tuple(problems)
        super().__init__(f"{config}: " + "; ".join(self.problems) + "; nothing was changed")

    @property
    def lines(self) -> list[str]:
        if len(self.problems) == 1:
            return [str(self)]
        return [*_listed(self.config, self.problems), "nothing was changed"]


class ServiceManagerFailed(CcmuxError):
    """systemd, or a tool of its, did not do what it was asked; `reason` is its own word. Mend that."""

    def __init__(self, command: str, reason: str) -> None:
        self.command = command
        self.reason = reason
        super().__init__(f"{command}: {reason}")


class UnitUnfit(CcmuxError):
    """A path or variable cannot stand in a unit file, which is lines of UTF-8."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!a} cannot stand in a unit file: it has control characters or is not UTF-8; "
            "move the project, or ccmux, to a folder with a plainer name"
        )


class UnitFileFailed(CcmuxError):
    """A file of the user's units cannot be read, written or removed; it is as it was. Mend that."""

    def __init__(self, path: str, verb: str, reason: str) -> None:
        """`verb` is what could not be done: "read", "written", "removed"."""
        self.path = path
        super().__init__(f"{path} cannot be {verb}: {reason}; mend that and run ccmux-deploy again")
