"""What was seen of Claude, as values: single sightings, and the one `Observation` fused from them.

Sightings travel over the hub; `state.py` fuses them. Nothing here decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Hold(StrEnum):
    """Why nothing is typed now: the words users read in `ccmux why`, events, log and status."""

    NOT_RUNNING = "not running"
    STARTING = "starting"
    TERMINAL_ACTIVE = "terminal active"
    GENERATING = "Claude is generating"
    PERMISSION_PROMPT = "permission prompt"
    DIALOG = "dialog"
    DRAFT = "draft in the input box"
    COPY_MODE = "copy mode"
    UNKNOWN_SCREEN = "unknown screen"
    USAGE_LIMIT = "usage limit"
    LOGIN_NEEDED = "login needed"
    PAUSED = "paused"
    SETTLING = "settling"


class ScreenKind(StrEnum):
    """What the bottom of the screen is."""

    PROMPT = "prompt"
    """The input box is there, with or without a draft."""
    PERMISSION = "permission"
    """A permission dialog or a question of Claude's has the keyboard."""
    DIALOG = "dialog"
    """Another dialog of a running session has the keyboard (/help, /model, ...)."""
    STARTUP = "startup"
    """A start-up dialog: theme, trust, API key, login, bypass warning, MCP approval, resume choice."""
    UNKNOWN = "unknown"
    """None of these for sure: nothing may be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The screen, read.

    Attributes:
        kind: What has the keyboard.
        draft: The text in the input box, lines joined by a newline; "" where it is empty. A dim
            placeholder is no draft.
        busy: The footer offers to interrupt.
        dialog: Name of the dialog for a person ("folder trust"), "" where there is none.
        way_out: What the person can do about the dialog, "" where there is none.
        login_needed: The screen says that nobody is logged in.
        stashed: The footer says that a draft was put aside with Ctrl-S; None where no footer is to be seen
            that would say it.
    """

    kind: ScreenKind
    draft: str = ""
    busy: bool = False
    dialog: str = ""
    way_out: str = ""
    login_needed: bool = False
    stashed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneView:
    """One look at the pane through tmux.

    Attributes:
        rows: The visible rows, top first, with their SGR sequences (`capture-pane -e -p`).
        cursor: Column and row, from 0.
        in_mode: The pane is in copy mode or another tmux mode: keys do not reach Claude.
        dead: The pane's process has ended (`remain-on-exit`).
        human_idle_s: Seconds since the last key at a client that shows this pane; None if nobody is attached.
        keys_quiet_s: For so long surely no key came from a client that shows this pane; attaching counts.
        keys_mark: Says nothing, but changes with every such key that comes in another second than the last.
    """

    rows: tuple[str, ...]
    cursor: tuple[int, int]
    in_mode: bool
    dead: bool
    human_idle_s: float | None
    keys_quiet_s: float = field(default=math.inf, compare=False)
    keys_mark: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneProcess:
    """The pane's own process, as tmux knows it.

    Dead without status and signal: nobody knows how (tmux before 3.3 does not tell signals).

    Attributes:
        pid: None where it has ended, and where nothing was started in the pane yet.
        dead: It has ended; the pane still shows its last screen.
        exit_status: Its exit code, None unless it ended by itself.
        exit_signal: The signal that ended it, None unless one did.
    """

    pid: int | None
    dead: bool
    exit_status: int | None = None
    exit_signal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    """Claude's own registry file, `sessions/<pid>.json`.

    Attributes:
        status: idle, busy, waiting, or a word of a later version.
        waiting_for: "permission prompt", "input needed", "dialog open" ..., "" unless waiting.
        updated_at: Epoch seconds of the last change of status.
        proc_start: Field 22 of /proc/PID/stat when it was written, "" where absent.
    """

    pid: int
    session_id: str
    status: str
    waiting_for: str
    updated_at: float
    proc_start: str = ""
    version: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether Claude is at rest; in `shell` a command of an earlier turn runs on in the background."""
        return self.status in {"idle", "shell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEvent:
    """One hook event of the hosted session.

    Attributes:
        name: `hook_event_name`.
        at: Epoch seconds when the shim put it on disk.
        payload: The whole payload, for the fields that only one kind has.
        in_subagent: It came from inside a subagent (`agent_id` is there).
    """

    name: str
    session_id: str
    transcript_path: str
    prompt_id: str | None
    at: float
    payload: Mapping[str, Any] = field(default_factory=dict)
    in_subagent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen:
    """Lifecycle's word on Claude's process.

    Attributes:
        pid: None where it does not run.
        started_at: Epoch seconds of this process's start; 0 where unknown.
        reason: For a person: why it does not run and what happens next, "" where it does.
    """

    pid: int | None
    started_at: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeen:
    """The session Claude is in now and its transcript; told again after /clear, /resume and forks."""

    session_id: str
    transcript_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySeen:
    """What the registry file says now; None: there is no such file."""

    entry: RegistryEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSeen:
    """A hook event arrived."""

    event: HookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSeen:
    """A transcript holds this prompt of a person's (or ours): the second proof of delivery."""

    session_id: str
    prompt_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptBlocked:
    """The transcript says that Claude did not take a submitted prompt: a hook of the user's forbade it.

    `text` holds the prompt among Claude's own words; `reason` is for a person; `at` is epoch seconds.
    """

    session_id: str
    text: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSeen:
    """The transcript says that this turn is over."""

    session_id: str
    prompt_id: str
    at: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The transcript of the hosted session has been read to its end for the first time."""


@dataclass(frozen=True, slots=True)
class QueueGrew:
    """Messages were committed: the dispatcher may have work."""


Sighting = (
    ProcessSeen
    | SessionSeen
    | RegistrySeen
    | HookSeen
    | PromptSeen
    | PromptBlocked
    | TurnSeen
    | CaughtUp
    | QueueGrew
)
