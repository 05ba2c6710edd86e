"""Whether our folders and files are ours alone, and each is what its name says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from ccmux.core.channel import CHANNEL_NAMES, is_channel
from ccmux.core.doctor.diagnosis import DOCTOR_FIX, Diagnosis, Fix, FixKind, ails, fine, listed, warns

_OTHERS = 0o077
_MENDED_AT_ONCE = 500
"""So many steps of a fix stand beside one finding; the next run mends the rest."""


class Kind(StrEnum):
    """What a path is."""

    FILE = "file"
    FOLDER = "folder"
    FIFO = "FIFO"
    SOCKET = "socket"
    LINK = "link"
    OTHER = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A path as lstat(2) sees it; `mode` has the permission bits alone."""

    path: str
    kind: Kind
    mode: int
    uid: int

    @property
    def name(self) -> str:
        return PurePath(self.path).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A folder and all below it.

    Attributes:
        path: The folder.
        top: The folder itself, None where it is missing.
        below: What is in it, at every depth.
        complete: False where there was too much to look at all of it.

    """

    path: str
    top: Entry | None
    below: tuple[Entry, ...] = ()
    complete: bool = True


# -------------------------------------------------------------------------------------- the runtime directory


def judge_runtime(runtime: Tree, *, uid: int, daemon_up: bool) -> list[Diagnosis]:
    """Judge the runtime directory and what is in it; `uid` is ours."""
    top = runtime.top
    if top is None:
        if daemon_up:
            says = f"{runtime.path} is missing under a running daemon"
            return [ails("files", "runtime", says, "restart ccmux")]
        return [fine("files", "runtime", f"{runtime.path} is made by the daemon's start")]
    is_ours = runtime.complete and all(is_made_by_ccmux(entry.name, entry.kind) for entry in runtime.below)
    way_out = "set another [runtime] dir in ccmux.toml"
    unsafe = _unsafe_folder("runtime", top, uid=uid, way_out=way_out, may_close=is_ours)
    if unsafe is not None:
        return [unsafe]
    direct = [entry for entry in runtime.below if PurePath(entry.path).parent == PurePath(runtime.path)]
    found = [wrong for entry in direct if (wrong := _in_runtime(entry, uid=uid)) is not None]
    missing = {"in", "control.sock", "output.sock"} - {entry.name for entry in direct}
    if daemon_up and missing:
        says = f"{', '.join(sorted(missing))} missing under a running daemon"
        found.append(ails("files", "runtime", says, "restart ccmux"))
    if not found:
        fifos = [entry.name for entry in direct if entry.kind is Kind.FIFO]
        with_them = f", with {listed(sorted(fifos))}" if fifos else ""
        found.append(fine("files", "runtime", f"{runtime.path}: yours alone{with_them}"))
    return found


def is_made_by_ccmux(name: str, kind: Kind) -> bool:
    """Tell whether a thing of the runtime directory is one that ccmux or an adapter makes there."""
    return _wanted(name) is kind


def _in_runtime(entry: Entry, *, uid: int) -> Diagnosis | None:
    """Judge one thing of the runtime directory; None where it is well, or nobody's business."""
    wanted = _wanted(entry.name)
    if wanted is None:
        return None
    here = shlex.quote(entry.path)
    # Any name that begins as a door's does is looked at again; -n because there may be something already.
    away = f"mv -n {here} {shlex.quote(str(PurePath(entry.path).with_name(f'not-{entry.name}')))}"
    makes = f" && mkfifo -m 600 {here}" if wanted is Kind.FIFO else "; the daemon's next start makes it"
    direction, _, channel = entry.name.partition(".")
    is_nameless = direction in {"in", "out"} and channel and not is_channel(channel)
    if entry.kind is not wanted:
        says = f"it is a {entry.kind}, no {wanted}: nothing goes through it"
        return ails("files", entry.name, says, away if is_nameless else away + makes)
    if is_nameless:
        says = f"'{channel}' is no channel's name: {CHANNEL_NAMES}"
        return warns("files", entry.name, says, away)
    if entry.uid != uid:
        return warns("files", entry.name, f"it belongs to user {entry.uid}", away + makes)
    if entry.mode & _OTHERS:
        fix = Fix(kind=FixKind.CHMOD, target=entry.path, mode=0o600)
        return warns("files", entry.name, f"its mode is {entry.mode:04o}, not 0600", str(fix), fix)
    return None


def _wanted(name: str) -> Kind | None:
    if name in {"control.sock", "output.sock"}:
        return Kind.SOCKET
    if name == "in" or name.startswith(("in.", "out.")):
        return Kind.FIFO
    return None


# --------------------------------------------------------------------------------------------- data, secrets


def judge_private(name: str, tree: Tree, *, uid: int, secret: bool) -> list[Diagnosis]:
    """Judge a folder that must be ours alone all through.

    Args:
        name: "data", "secrets".
        tree: The folder and all below it.
        uid: Ours.
        secret: Whether an open file in it is refused by ccmux, and not only open.

    """
    top = tree.top
    if top is None:
        return [fine("files", name, f"{tree.path} is made by the first start")]
    variable = "CCMUX_SECRETS_DIR" if secret else "CCMUX_DATA_DIR"
    unsafe = _unsafe_folder(name, top, uid=uid, way_out=f"set {variable} to a folder of yours")
    found = [] if unsafe is None else [unsafe]
    judge = ails if secret else warns
    foreign = [entry.path for entry in tree.below if entry.uid != uid]
    if foreign:
        says = f"not yours: {listed(foreign)}"
        mend = f"sudo chown -R {uid} {shlex.quote(tree.path)}"
        found.append(judge("files", name, says, mend))
    opened = [
        entry
        for entry in tree.below
        if entry.uid == uid and entry.kind is not Kind.LINK and entry.mode & _OTHERS
    ]
    if opened:
        fixes = [Fix(kind=FixKind.CHMOD, target=entry.path, mode=_closed(entry)) for entry in opened]
        mend = str(fixes[0]) if len(fixes) == 1 else f"{DOCTOR_FIX} (chmod -R go= {shlex.quote(tree.path)})"
        says = f"open to others: {listed([entry.path for entry in opened])}"
        found.append(judge("files", name, says, mend, *fixes[:_MENDED_AT_ONCE]))
    if secret:
        found += [_linked(entry) for entry in tree.below if entry.kind is Kind.LINK]
    if not tree.complete:
        says = f"{tree.path} holds too much to look at all of it; {len(tree.below)} were looked at"
        mend = f"look yourself: find {shlex.quote(tree.path)} -perm /077 -not -type l"
        found.append(warns("files", name, says, mend))
    if not found:
        found.append(fine("files", name, f"{tree.path}: yours alone, {len(tree.below)} inside"))
    return found


def judge_missing(folders: Sequence[str]) -> Diagnosis | None:
    """Judge folders that a project which ran before should have and lacks."""
    if not folders:
        return None
    fixes = [Fix(kind=FixKind.MKDIR, target=folder, mode=0o700) for folder in folders]
    mend = str(fixes[0]) if len(fixes) == 1 else DOCTOR_FIX
    return warns("files", "data", f"missing: {listed(list(folders))}", mend, *fixes)


def judge_config(config: Entry | None, *, secrets: Sequence[str]) -> Diagnosis | None:
    """Judge who may read `ccmux.toml`; `secrets` are the keys of it that may hold one."""
    if config is None or not secrets or not config.mode & 0o044:
        return None
    says = f"others may read it, and {listed(secrets)} may be secret (mode {config.mode:04o})"
    return warns("files", "ccmux.toml", says, f"chmod 600 {shlex.quote(config.path)}")


def _unsafe_folder(
    name: str, top: Entry, *, uid: int, way_out: str, may_close: bool = True
) -> Diagnosis | None:
    """Return why ccmux refuses this folder, None where it does not.

    Args:
        name: "runtime", "data", "secrets".
        top: The folder.
        uid: Ours.
        way_out: How to name another folder.
        may_close: Whether nobody else can need what is in it.

    """
    if top.kind is not Kind.FOLDER:
        return ails("files", name, f"{top.path} is a {top.kind}, no folder", f"move it away, or {way_out}")
    if top.uid != uid:
        return ails("files", name, f"{top.path} belongs to user {top.uid}", way_out)
    if top.mode & _OTHERS:
        says = f"{top.path}: others may enter (mode {top.mode:04o}); ccmux refuses it"
        if not may_close:
            return ails("files", name, f"{says}, and not all in it is ccmux's", way_out)
        fix = Fix(kind=FixKind.CHMOD, target=top.path, mode=0o700)
        return ails("files", name, says, str(fix), fix)
    return None


def _linked(entry: Entry) -> Diagnosis:
    says = f"{entry.path} is a link; ccmux refuses it"
    return ails("files", "secrets", says, f"put the file itself there: {shlex.quote(entry.path)}")


def _closed(entry: Entry) -> int:
    is_program = entry.kind is Kind.FOLDER or (entry.kind is Kind.FILE and bool(entry.mode & 0o100))
    return 0o700 if is_program else 0o600
