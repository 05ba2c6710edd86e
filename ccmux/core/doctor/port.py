"""Whose the HTTP port is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A program that listens where our port is.

    Attributes:
        address: "127.0.0.1", "0.0.0.0", "::" ...
        uid: The user it runs as.
        pid: None where it is another user's and we may not look.
        program: Its short name, "" where the pid is not known.

    """

    address: str
    uid: int
    pid: int | None = None
    program: str = ""


def judge_port(
    port: int,
    listeners: Sequence[Listener],
    *,
    daemons_port: int | None,
    silent_pid: int | None = None,
    others_port: int | None = None,
) -> Diagnosis:
    """Judge the port of the settings.

    Args:
        port: That port.
        listeners: Who listens on it.
        daemons_port: Where this project's daemon says that it listens; None: it is down, or silent.
        silent_pid: The process of this project's daemon where it is there and says nothing.
        others_port: Where another project's daemon listens that holds our runtime directory; None: no such.

    """
    if daemons_port == port:
        return fine("port", "", f"{port} belongs to this project's daemon")
    if silent_pid is not None and any(one.pid == silent_pid for one in listeners):
        return fine("port", "", f"{port} belongs to this project's daemon, which does not answer")
    if not listeners:
        if daemons_port is None:
            return fine("port", "", f"{port} is free")
        says = f"ccmux.toml says {port}, the daemon listens on {daemons_port}: it started before the change"
        return warns("port", "", says, "restart ccmux, then let Claude start anew (/exit)")
    if others_port == port:
        says = f"{port} belongs to the daemon of another project"
        return ails("port", "", says, "set another [mcp] port in ccmux.toml")
    if any(one.program == "ccmux" for one in listeners):
        mend = "set another [mcp] port in ccmux.toml"
    else:
        mend = "end that, or set another [mcp] port"
    holders = " and ".join(map(_named, listeners))
    return ails("port", "", f"{port} is taken by {holders}", mend)


def _named(listener: Listener) -> str:
    if listener.pid is None:
        return f"a program of user {listener.uid} (on {listener.address})"
    return f"{listener.program} (pid {listener.pid}, user {listener.uid}, on {listener.address})"
